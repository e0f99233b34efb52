"""The containment kernel: what changed between two schemas, and whether one takes all that the other takes.

`Sides(Source(old_references), Source(new_references))` holds two versions; `compare_schemas(sides, old, new, flow)`
yields the edits between two nodes of them.
"""
