"""Who may call: the requirement in force at an operation, the document's own, and the schemes they name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from treadle.check.diff.change import Change
from treadle.check.diff.openapi.pair import Pair, Run
from treadle.check.diff.openapi.paths import METHODS
from treadle.check.diff.openapi.url import same_url
from treadle.contract.library import Node
from treadle.contract.model import Json

Requirement = dict[str, frozenset[str]]
"""One alternative: each scheme that it asks for, with the scopes."""
_FLOWS = ("implicit", "password", "clientCredentials", "authorizationCode", "deviceAuthorization")


@dataclass(frozen=True, slots=True)
class Difference:
    """Two lists of alternatives. `rescoped` are those of the same schemes with other scopes."""

    added: tuple[Requirement, ...]
    removed: tuple[Requirement, ...]
    rescoped: tuple[tuple[Requirement, Requirement], ...]


def security_changes(pair: Pair) -> Iterator[Change]:
    """Every change of who may call an operation. What counts is what is in force: its own, else the document's."""
    old, new = _in_force(pair.old, pair.run.old.root), _in_force(pair.new, pair.run.new.root)
    if old.value == new.value:
        return
    before, after = requirements(old.value), requirements(new.value)
    old, new = (node if node.value is not None else there for node, there in ((old, pair.old), (new, pair.new)))
    if _open(before) != _open(after):
        rule = "api-security-anonymous-access-" + ("removed" if _open(before) else "added")
        yield pair.change(rule, old, new, new=" or ".join(map(said, after)))
        return
    found = difference(before, after)
    for each in found.added:
        if each:
            yield pair.change("api-security-added", old, new, new=said(each))
    for each in found.removed:
        if each and not _open(after):
            yield pair.change("api-security-removed", old, new, old=said(each))
    for was, now in found.rescoped:
        for name in sorted(now):
            for scope in sorted(now[name] - was[name]) if not _open(after) else ():
                yield pair.change("api-security-scope-added", old, new, new=scope, name=name)
            for scope in sorted(was[name] - now[name]):
                yield pair.change("api-security-scope-removed", old, new, old=scope, name=name)


def _in_force(operation: Node, root: Node) -> Node:
    own = operation.child("security")
    return root.child("security") if own.value is None else own


def global_changes(run: Run) -> Iterator[Change]:
    """What changed about the document's own requirement, where no operation stands under it in both versions.

    Where one does, it is told of every one of them, so that nothing has to be said twice.
    """
    old, new = run.old.root.child("security"), run.new.root.child("security")
    if old.value == new.value or _inherited(run):
        return
    found = difference(requirements(old.value), requirements(new.value))
    for each in filter(None, found.added):
        yield run.change("api-global-security-added", old, new, {"new": said(each)})
    for each in filter(None, found.removed):
        yield run.change("api-global-security-removed", old, new, {"old": said(each)})
    for was, now in found.rescoped:
        for name in sorted(now):
            for scope in sorted(now[name] - was[name]):
                yield run.change("api-global-security-scope-added", old, new, {"new": scope, "name": name})
            for scope in sorted(was[name] - now[name]):
                yield run.change("api-global-security-scope-removed", old, new, {"old": scope, "name": name})


def _inherited(run: Run) -> bool:
    """Whether an operation that is in both versions says nothing of its own in either."""
    before, after = run.old.root.child("paths").value, run.new.root.child("paths").value
    if not isinstance(before, dict) or not isinstance(after, dict):
        return False
    return any(
        method in METHODS
        and "security" not in operation
        and isinstance(after[path].get(method), dict)
        and "security" not in after[path][method]
        for path, item in before.items()
        if isinstance(item, dict) and isinstance(after.get(path), dict)
        for method, operation in item.items()
        if isinstance(operation, dict)
    )


def requirements(value: Json) -> tuple[Requirement, ...]:
    """The alternatives of a `security` list; what is none is left out."""
    return tuple(
        {
            name: frozenset(map(str, scopes)) if isinstance(scopes, list) else frozenset()
            for name, scopes in each.items()
        }
        for each in (value if isinstance(value, list) else ())
        if isinstance(each, dict)
    )


def difference(old: tuple[Requirement, ...], new: tuple[Requirement, ...]) -> Difference:
    """What differs, in any order. Of several alternatives of the same schemes none is taken for another's scopes."""
    gone, come = list(old), list(new)
    for each in old:
        if each in come:
            gone.remove(each)
            come.remove(each)
    rescoped = []
    for each in list(gone):
        rivals = [other for other in gone if other.keys() == each.keys()]
        twins = [other for other in come if other.keys() == each.keys()]
        if len(rivals) == len(twins) == 1:
            rescoped.append((each, twins[0]))
            gone.remove(each)
            come.remove(twins[0])
    return Difference(tuple(come), tuple(gone), tuple(rescoped))


def _open(alternatives: tuple[Requirement, ...]) -> bool:
    return not alternatives or {} in alternatives


def said(requirement: Requirement) -> str:
    """An alternative in words: `oauth [orders.read] and apiKey`."""
    parts = (
        f"{name} [{', '.join(sorted(scopes))}]" if scopes else name for name, scopes in sorted(requirement.items())
    )
    return " and ".join(parts) or "none"


def scheme_changes(run: Run) -> Iterator[Change]:
    """What changed about the schemes that requirements name."""
    old, new = (each.root.child("components", "securitySchemes") for each in (run.old, run.new))
    before, after = run.old.entries(old), run.new.entries(new)
    for name, node in before.items():
        if name not in after:
            yield run.change("api-security-component-removed", node, new, {"name": name})
    for name, node in after.items():
        if name not in before:
            yield run.change("api-security-component-added", old, node, {"name": name})
        elif before[name].value != node.value:
            yield from _scheme(run, name, before[name], node)


_FIELDS = (
    ("name", "api-security-component-api-key-name-changed"),
    ("in", "api-security-component-api-key-in-changed"),
    ("scheme", "api-security-component-http-scheme-changed"),
    ("bearerFormat", "api-security-component-bearer-format-changed"),
    ("openIdConnectUrl", "api-security-component-openid-connect-url-changed"),
)
_URLS = (
    ("authorizationUrl", "api-security-component-oauth-url-changed"),
    ("tokenUrl", "api-security-component-oauth-token-url-changed"),
    ("refreshUrl", "api-security-component-oauth-refresh-url-changed"),
)


def _scheme(run: Run, name: str, old: Node, new: Node) -> Iterator[Change]:
    words = {"name": name}
    if old.child("type").value != new.child("type").value:
        yield from _field(run, "api-security-component-type-changed", old.child("type"), new.child("type"), words)
    else:
        for field, rule in _FIELDS:
            yield from _field(run, rule, old.child(field), new.child(field), words)
    for flow in _FLOWS:
        before, after = old.child("flows", flow), new.child("flows", flow)
        if isinstance(before.value, dict) and isinstance(after.value, dict):
            for field, rule in _URLS:
                yield from _field(run, rule, before.child(field), after.child(field), {**words, "flow": flow})
            yield from _scopes(run, before.child("scopes"), after.child("scopes"), {**words, "flow": flow})


def _field(run: Run, rule: str, old: Node, new: Node, words: dict[str, str]) -> Iterator[Change]:
    was, now = old.value, new.value
    if was == now or (rule.endswith("-url-changed") and same_url(was, now)):
        return
    if rule.endswith("http-scheme-changed") and str(was).lower() == str(now).lower():
        return
    yield run.change(rule, old, new, {**words, "old": str(was or ""), "new": str(now or "")})


def _scopes(run: Run, old: Node, new: Node, words: dict[str, str]) -> Iterator[Change]:
    before, after = (each.value if isinstance(each.value, dict) else {} for each in (old, new))
    for scope in dict.fromkeys((*before, *after)):
        at = (old.child(scope), new.child(scope))
        if scope not in after:
            yield run.change("api-security-component-oauth-scope-removed", *at, {**words, "old": scope})
        elif scope not in before:
            yield run.change("api-security-component-oauth-scope-added", *at, {**words, "new": scope})
        elif before[scope] != after[scope]:
            yield run.change("api-security-component-oauth-scope-changed", *at, {**words, "new": scope})
