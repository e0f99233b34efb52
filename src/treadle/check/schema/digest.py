"""One hash for all schemas that say the same.

A schema without recursion is hashed from the hashes below it. Schemas that reach each other are hashed together, in
rounds: each from the hashes that its neighbours had in the round before, until no round tells more of them apart. The
set of all their hashes goes into each, so two that are equal take the same values however deep one looks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from treadle.check.schema.shape import Shape
from treadle.check.schema.source import Part
from treadle.check.schema.values import token

_PARTS_MAX = 20_000
"""Schemas that one hash may reach; beyond, each is equal to itself only."""
Lookup = Callable[[Part], bytes]


def digest(part: Part) -> bytes:
    """The hash of a part."""
    if part.digest is None:
        _explore(part)
    return part.digest or b""


def alike(one: Part, other: Part) -> bool:
    """Whether two parts are known to take the same values."""
    return one is other or digest(one) == digest(other)


def shape_digest(shape: Shape) -> bytes:
    """The hash of a shape that is no part's."""
    return _hash(shape, digest)


def _explore(start: Part) -> None:
    """Hash all that `start` reaches, what is below first (Tarjan's components, without recursion)."""
    order: dict[Part, int] = {}
    low: dict[Part, int] = {}
    open_parts: list[Part] = []
    is_open: set[Part] = set()
    work: list[tuple[Part, Iterator[Part]]] = []

    def enter(part: Part) -> None:
        order[part] = low[part] = len(order)
        open_parts.append(part)
        is_open.add(part)
        work.append((part, iter(list(_below(part.shape)))))

    enter(start)
    while work:
        part, targets = work[-1]
        target = next(targets, None)
        if target is not None:
            if target.digest is not None:
                continue
            if len(order) > _PARTS_MAX:
                for each in is_open:
                    each.digest = hashlib.sha256(repr(id(each)).encode()).digest()
                return
            if target not in order:
                enter(target)
            elif target in is_open:
                low[part] = min(low[part], order[target])
            continue
        work.pop()
        if work:
            low[work[-1][0]] = min(low[work[-1][0]], low[part])
        if low[part] == order[part]:
            members: list[Part] = []
            while not members or members[-1] is not part:
                members.append(open_parts.pop())
                is_open.discard(members[-1])
            _close(members)


def _close(members: list[Part]) -> None:
    first = members[0]
    if len(members) == 1 and first not in set(_below(first.shape)):
        first.digest = _hash(first.shape, lambda part: part.digest or b"")
        return
    now = dict.fromkeys(members, b"")
    told_apart = 0
    while len(set(now.values())) > told_apart:
        told_apart = len(set(now.values()))
        now = _round(now)
    everyone = b"".join(sorted(set(now.values())))
    for part in members:
        part.digest = hashlib.sha256(b"cycle" + now[part] + everyone).digest()


def _round(before: dict[Part, bytes]) -> dict[Part, bytes]:
    def of(part: Part) -> bytes:
        return before.get(part, part.digest or b"")

    return {part: _hash(part.shape, of) for part in before}


def _below(shape: Shape) -> Iterator[Part]:
    yield from shape.properties.values()
    for rest in shape.rests:
        yield from rest.patterns.values()
        yield rest.other
    yield from shape.names
    yield from shape.prefix
    if shape.items is not None:
        yield shape.items
    yield from (held.part for held in shape.holds)
    yield from shape.dependents.values()
    for choice in (*shape.any_of, *shape.one_of):
        yield from choice
    yield from shape.nots
    for each in shape.ifs:
        yield from each
    yield from shape.content


def _hash(shape: Shape, of: Lookup) -> bytes:
    said = (
        sorted(shape.kinds),
        None if shape.values is None else sorted(shape.values),
        sorted((key, token(bound)) for key, bound in shape.bounds.items()),
        sorted(map(token, shape.multiples)),
        sorted(shape.patterns),
        sorted(shape.formats),
        shape.unique,
        sorted((name, of(part)) for name, part in shape.properties.items()),
        sorted(shape.required),
        sorted(
            (sorted((name, of(part)) for name, part in rest.patterns.items()), of(rest.other)) for rest in shape.rests
        ),
        sorted({of(part) for part in shape.names}),
        [of(part) for part in shape.prefix],
        shape.items and of(shape.items),
        sorted((of(held.part), token(held.least), token(held.most)) for held in shape.holds),
        sorted((name, sorted(needed)) for name, needed in shape.needs.items()),
        sorted((name, of(part)) for name, part in shape.dependents.items()),
        sorted(sorted({of(part) for part in choice}) for choice in shape.any_of),
        sorted(sorted(of(part) for part in choice) for choice in shape.one_of),
        sorted({of(part) for part in shape.nots}),
        sorted(tuple(map(of, each)) for each in shape.ifs),
        sorted(shape.media),
        sorted(shape.encodings),
        sorted({of(part) for part in shape.content}),
        sorted(shape.opaque),
    )
    return hashlib.sha256(repr(said).encode(errors="surrogatepass")).digest()
