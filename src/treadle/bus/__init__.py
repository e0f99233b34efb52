"""The event bus: only contract-valid events, in order per key, refused ones kept with their reason."""
