"""Versions of contracts that are kept: what went live last and was good."""
