"""Two versions of a description -> every edit, whom it breaks, and the version that it asks for."""
