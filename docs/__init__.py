"""The project's documentation, and what generates parts of it."""
