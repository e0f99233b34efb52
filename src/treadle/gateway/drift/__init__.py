"""Drift: whether answers are what the contract promises, found beside the way of calls and from a sample of them."""
