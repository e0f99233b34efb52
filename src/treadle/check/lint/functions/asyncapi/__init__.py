"""Lint functions for AsyncAPI 2.x and 3.x documents.

Some stand behind the rules of Spectral's own ruleset. The others are ours, for what the specification says and no JSON
Schema can. Which is which, the table of functions says.
"""
