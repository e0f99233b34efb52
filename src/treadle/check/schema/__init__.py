"""The containment kernel: what changed between two schemas, and whether one takes all that the other takes."""
