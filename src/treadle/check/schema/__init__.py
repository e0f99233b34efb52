"""The containment kernel: what changed between two schemas, and whether one takes all that the other takes.

```
sides = Sides(Source(old_references, old_dialect), Source(new_references, new_dialect), Policy.EVOLUTION)
for edit in compare_schemas(sides, old_node, new_node, Flow.REQUEST): ...      # kinds, effects, places, marks
edit = Witnesses(sides).prove(old_node, new_node, edit, Flow.REQUEST)           # a body that shows what it breaks
contains(sides, outer=new_node, inner=old_node)                                 # yes, no with a value, unknown
```

A schema is read by its normal form (`normal`, `shape`), which is made only where the two versions do not read the same
(`source`). One module compares one group of keywords: `kinds`, `enums`, `numbers`, `strings`, `arrays`, `objects`,
`conditions`, `combinators`, `annotations`. `contain` proves with them that nothing is refused, `compare` tells what
changed, `witness` shows it.
"""
