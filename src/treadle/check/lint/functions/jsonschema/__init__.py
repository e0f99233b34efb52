"""Lint functions for JSON Schema documents, drafts 4 to 2020-12."""
