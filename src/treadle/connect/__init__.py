"""Connectors: how a system of record's changes become canonical events, none lost and none twice."""
