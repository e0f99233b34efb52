"""Path items and their operations: which is which in the other version, and every detector that looks at a pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from treadle.check.diff.change import Change
from treadle.check.diff.openapi.bodies import body_changes
from treadle.check.diff.openapi.callbacks import callback_changes
from treadle.check.diff.openapi.document import Document
from treadle.check.diff.openapi.lifecycle import lifecycle_changes, removed, stability_changes
from treadle.check.diff.openapi.names import name_changes
from treadle.check.diff.openapi.pair import Pair, Run
from treadle.check.diff.openapi.parameters import parameter_changes
from treadle.check.diff.openapi.paths import METHODS, match_paths, renamed
from treadle.check.diff.openapi.responses import response_changes
from treadle.check.diff.openapi.security import security_changes
from treadle.check.diff.openapi.sunset import Stability, stability
from treadle.contract.library import Node

DETECTORS: tuple[Callable[[Pair], Iterator[Change]], ...] = (
    lifecycle_changes,
    name_changes,
    security_changes,
    parameter_changes,
    body_changes,
    response_changes,
    callback_changes,
)


def path_changes(run: Run) -> Iterator[Change]:
    """Every change of every operation below `paths`."""
    old, new = run.old.root.child("paths"), run.new.root.child("paths")
    before, after = run.old.entries(old, extensible=True), run.new.entries(new, extensible=True)
    matched = match_paths(before, after)
    for path, item in before.items():
        if path not in matched:
            for method, operation in operations(run.old, item).items():
                yield from _gone(run, path, method, operation, new, whole=True)
    for path, item in before.items():
        if path in matched:
            yield from item_changes(run, path, item, after[matched[path]], renamed(path, matched[path]))
    known = set(matched.values())
    for path, item in after.items():
        if path not in known:
            for method, operation in operations(run.new, item).items():
                yield run.change("endpoint-added", old, operation, {}, path=path, operation=method)


def item_changes(
    run: Run, path: str, old: Node, new: Node, names: Mapping[str, str], *, inverted: bool = False
) -> Iterator[Change]:
    """Every change of the operations of one path item. `inverted` ones are called by the server."""
    names = {was: now for was, now in names.items() if was != now}
    if not names and run.reach.same(old, new) and not run.other_security:
        return
    before, after = operations(run.old, old), operations(run.new, new)
    for method, operation in before.items():
        if method not in after:
            yield from _gone(run, path, method, operation, new, whole=False)
    for method, operation in after.items():
        if method not in before:
            yield run.change("endpoint-added", old, operation, {}, path=path, operation=method)
            continue
        pair = Pair(run, path, method, before[method], operation, old, new, names, inverted)
        yield from stability_changes(pair)
        if not _below_beta(operation):
            for detector in DETECTORS:
                yield from detector(pair)


def operations(document: Document, item: Node) -> dict[str, Node]:
    """The operations of a path item by their method in upper case, those of OpenAPI 3.2's own methods too."""
    if not isinstance(item.value, dict):
        return {}
    found = {method.upper(): item.child(method) for method in METHODS if isinstance(item.value.get(method), dict)}
    for method, operation in document.entries(item.child("additionalOperations")).items():
        found.setdefault(method, operation)
    return found


def _below_beta(operation: Node) -> bool:
    """Whether nothing was promised yet: drafts and alphas change as they like."""
    level = stability(operation)
    return level is not None and level < Stability.BETA


def _gone(run: Run, path: str, method: str, operation: Node, new: Node, *, whole: bool) -> Iterator[Change]:
    if _below_beta(operation):
        return
    rule, words = removed(operation, "api-path" if whole else "api", run.today)
    yield run.change(rule, operation, new, words, path=path, operation=method)
