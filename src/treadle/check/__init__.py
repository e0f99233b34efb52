"""Contracts in, findings out: lint rules, conflicts between contracts, compatibility of versions. Pure."""
