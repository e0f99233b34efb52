"""Two versions in; what changed, whom it breaks, and which version it asks for, out. Pure."""

from treadle.check.diff.contracts import compare

__all__ = ["compare"]
