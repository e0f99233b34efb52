"""One node's delta discovery stream as the server sees it, without any I/O.

A change is made before it is broken. Clusters and endpoints go first; filters and runtime follow when Envoy has taken
these (it acknowledges clusters only once they are warm), then routes; clusters that nothing needs any more go last,
when the routes were taken. What refers to something that was refused waits, so that the node serves on what it had.

Of each kind one response at most is on its way: however slow a node is, it costs no more than what it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from treadle.gateway.ads.catalog import Catalog, Resource
from treadle.gateway.ads.wire import NAMES_MAX, ProtocolError, Request, Response
from treadle.gateway.envoy.snapshot import Moving

BATCH = 256
BATCH_BYTES = 1024 * 1024
_ALL = "*"
_STALE = "?"
"""No version: the node has to be told again."""
_STAGES = {Moving.CLUSTERS: 0, Moving.ENDPOINTS: 0, Moving.FILTERS: 1, Moving.RUNTIME: 1, Moving.ROUTES: 2}
_UPSTREAMS = frozenset({Moving.CLUSTERS, Moving.ENDPOINTS})


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a node took one response: versions by name (empty: removed), and the engine's words where it refused it.

    A response with several resources that was refused is no verdict on any of them: they are sent again, each alone.
    """

    node: str
    kind: Moving
    versions: dict[str, str]
    words: str = ""

    @property
    def taken(self) -> bool:
        """Whether the engine runs it now."""
        return not self.words


@dataclass(slots=True)
class Memory:
    """What outlives a node's streams: what it last took, and what it refused, with its words."""

    good: dict[tuple[Moving, str], Resource] = field(default_factory=dict)
    refused: dict[tuple[Moving, str], tuple[str, str]] = field(default_factory=dict)

    def forget(self, catalog: Catalog) -> None:
        """Forget refusals of what is no longer wanted: whoever wants it again may try it again."""
        for (kind, name), (version, _) in list(self.refused.items()):
            wanted = catalog.of(kind).get(name)
            if wanted is None or wanted.version != version:
                del self.refused[kind, name]


@dataclass(frozen=True, slots=True)
class Refused:
    """A resource that a node does not take."""

    kind: Moving
    name: str
    version: str
    words: str


@dataclass(slots=True)
class _Kind:
    """The state of one kind on a stream. `held` is the version that the node has, by name."""

    started: bool = False
    wildcard: bool = False
    names: set[str] = field(default_factory=set)
    held: dict[str, str] = field(default_factory=dict)
    nonce: str = ""
    sent: dict[str, Resource | None] = field(default_factory=dict)
    alone: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Conversation:
    """One stream of one node. `take` what it says, then ask for `next` until there is nothing more to say."""

    node: str
    memory: Memory = field(default_factory=Memory)
    _kinds: dict[Moving, _Kind] = field(default_factory=lambda: {kind: _Kind() for kind in Moving})
    _count: int = 0

    def take(self, request: Request, catalog: Catalog | None) -> Verdict | None:
        """What the node says. Returns its verdict on the response on its way, where it gives one.

        Raises ProtocolError where it wants more than it may.
        """
        state = self._kinds[request.kind]
        verdict = self._answered(request, state) if request.nonce and request.nonce == state.nonce else None
        if not state.started:
            state.started = True
            state.wildcard = not request.subscribe
            state.held = dict(request.have)
            for name, version in request.have.items():
                resource = catalog.of(request.kind).get(name) if catalog else None
                if resource and resource.version == version:
                    self.memory.good[request.kind, name] = resource
        for name in request.subscribe:
            if name == _ALL:
                state.wildcard = True
            elif name not in request.have:
                state.held.pop(name, None)  # whoever asks again has lost it
            state.names.add(name)
        for name in request.unsubscribe:
            if name == _ALL:
                state.wildcard = False
            state.names.discard(name)
            if not state.wildcard:
                state.held.pop(name, None)
        if len(state.names) > NAMES_MAX:
            raise ProtocolError(f"more than {NAMES_MAX} names are subscribed to")
        return verdict

    def next(self, catalog: Catalog) -> Response | None:
        """The next thing to say to a node that should run `catalog`, or None as long as it has to answer first."""
        for kind, state in self._kinds.items():
            if not state.started or state.nonce:
                continue
            put = self._due(kind, catalog)
            gone = () if put else tuple(self._gone(kind, catalog))
            if put:
                return self._say(kind, state, _batch(put, state.alone))
            if gone:
                return self._say(kind, state, (), gone[:1] if state.alone & set(gone) else gone[:BATCH])
        return None

    def settled(self, catalog: Catalog) -> bool:
        """Whether the node runs `catalog`, but for what it refused and what waits for that."""
        if any(not self._kinds[kind].started for kind in Moving if catalog.of(kind) and kind is not Moving.ENDPOINTS):
            return False
        return not any(state.nonce for state in self._kinds.values()) and not any(
            self._due(kind, catalog) or any(self._gone(kind, catalog)) for kind in Moving
        )

    def refused(self, catalog: Catalog) -> tuple[Refused, ...]:
        """What of `catalog` the node does not take."""
        return tuple(
            Refused(kind, name, version, words)
            for (kind, name), (version, words) in sorted(self.memory.refused.items())
            if (wanted := catalog.of(kind).get(name)) and wanted.version == version
        )

    def holds(self, kind: Moving, name: str) -> str | None:
        """The version of a resource that the node runs; None where it has none, or never asked for it."""
        return self._kinds[kind].held.get(name) or None

    def asks_for(self, kind: Moving, name: str) -> bool:
        """Whether the node subscribes to a resource."""
        state = self._kinds[kind]
        return state.started and (state.wildcard or name in state.names)

    def _answered(self, request: Request, state: _Kind) -> Verdict | None:
        kind, sent = request.kind, state.sent
        state.nonce, state.sent = "", {}
        if request.words and len(sent) > 1:
            state.alone |= set(sent)
            return None
        versions = {name: each.version if each else "" for name, each in sent.items()}
        for name, each in sent.items():
            state.alone.discard(name)
            if request.words and each:
                self._refuse(kind, each, request.words)
                continue
            # A removal that is refused is not tried again: there is nothing better to say.
            if each is None or self.memory.refused.get((kind, name), ("",))[0] == each.version:
                self.memory.refused.pop((kind, name), None)
            if each:
                state.held[name] = each.version
                self.memory.good[kind, name] = each
            else:
                self.memory.good.pop((kind, name), None)
                state.held.pop(name, None)
        return Verdict(self.node, kind, versions, request.words)

    def _refuse(self, kind: Moving, each: Resource, words: str) -> None:
        key = (kind, each.name)
        good = self.memory.good.get(key)
        if good and good.version == each.version:
            # It was good once and is not any more. Where it stood in for another there is nothing left to send.
            del self.memory.good[key]
            if key in self.memory.refused:
                return
        self.memory.refused[key] = (each.version, words)

    def _wrong(self, kind: Moving, catalog: Catalog) -> Iterator[Resource]:
        """What the node asked for and has in no version, or another one than it should."""
        state = self._kinds[kind]
        if not state.started:
            return
        wanted = catalog.of(kind)
        for name in wanted if state.wildcard else sorted(state.names & wanted.keys()):
            each: Resource | None = wanted[name]
            refused = self.memory.refused.get((kind, name))
            if each and refused and refused[0] == each.version:
                each = self.memory.good.get((kind, name))
            if each and state.held.get(name) != each.version:
                yield each

    def _gone(self, kind: Moving, catalog: Catalog) -> Iterator[str]:
        """What the node has and should not, as soon as nothing can need it.

        Of what it asked for and never had it is told nothing: that may come yet.
        """
        state = self._kinds[kind]
        gone = sorted(state.held.keys() - catalog.of(kind).keys())
        return iter(gone if kind not in _UPSTREAMS or self._routes_follow(catalog) else ())

    def _due(self, kind: Moving, catalog: Catalog) -> list[Resource]:
        """What is to be sent now. A node that has no version of a resource yet is not kept waiting for it."""
        wrong = list(self._wrong(kind, catalog))
        if not wrong or self._ready(_STAGES[kind], catalog):
            return wrong
        return [each for each in wrong if not self._kinds[kind].held.get(each.name)]

    def _ready(self, stage: int, catalog: Catalog) -> bool:
        """Whether everything before a stage is as `catalog` wants it."""
        return not any(
            self._kinds[kind].nonce or any(self._wrong(kind, catalog)) or self._refuses(kind, catalog)
            for kind in Moving
            if _STAGES[kind] < stage
        )

    def _routes_follow(self, catalog: Catalog) -> bool:
        last = max(_STAGES.values()) + 1
        return self._ready(last, catalog)

    def _refuses(self, kind: Moving, catalog: Catalog) -> bool:
        return any(each.kind is kind for each in self.refused(catalog))

    def _say(self, kind: Moving, state: _Kind, put: tuple[Resource, ...], gone: tuple[str, ...] = ()) -> Response:
        self._count += 1
        state.nonce = str(self._count)
        state.sent = {**{each.name: each for each in put}, **dict.fromkeys(gone)}
        if kind is Moving.CLUSTERS:
            # A cluster that is replaced warms anew, and waits for its endpoints though it had them.
            endpoints = self._kinds[Moving.ENDPOINTS].held
            for each in put:
                if each.name in state.held and each.name in endpoints:
                    endpoints[each.name] = _STALE
        return Response(kind, state.nonce, put, gone)


def _batch(put: list[Resource], alone: set[str]) -> tuple[Resource, ...]:
    if put[0].name in alone:
        return (put[0],)
    found: list[Resource] = []
    size = 0
    for each in put:
        size += len(each.entry)
        if each.name in alone or len(found) == BATCH or (found and size > BATCH_BYTES):
            break
        found.append(each)
    return tuple(found)
