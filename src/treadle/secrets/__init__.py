"""Secrets: a type that never prints itself, and the stores that keep them."""
