"""Runs Spectral rulesets over any document: OpenAPI, AsyncAPI, JSON Schema."""
