"""Composition root: what reads files, starts processes and holds the only loop."""
