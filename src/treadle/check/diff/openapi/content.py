"""Media types: which one of the new version answers for which of the old (RFC 9110 section 8.3.1, RFC 6839)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MediaType:
    """`application/problem+json; v=1` is `application`, `problem`, `json` and the parameter `v`."""

    type: str
    subtype: str
    suffix: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def bare(self) -> str:
        """Without the parameters."""
        return f"{self.type}/{self.subtype}" + (f"+{self.suffix}" if self.suffix else "")


def media_type(name: str) -> MediaType:
    """Read a name; a text that is none stands for itself."""
    bare, *rest = name.split(";")
    type, _, subtype = bare.strip().lower().partition("/")
    subtype, _, suffix = subtype.partition("+")
    pairs = (each.partition("=") for each in rest if "=" in each)
    return MediaType(type, subtype, suffix, {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs})


def covers(wide: MediaType, narrow: MediaType) -> bool:
    """Whether whoever takes `wide` takes `narrow`: the same, a range of it, or `json` for `…+json`."""
    if wide.type == "*":
        return True
    if wide.type != narrow.type:
        return False
    if wide.subtype == "*" and not wide.suffix:
        return True
    if not wide.suffix and wide.subtype == narrow.suffix:
        return True
    return (wide.subtype, wide.suffix) == (narrow.subtype, narrow.suffix)


def match_content(old: Collection[str], new: Collection[str]) -> dict[str, str]:
    """The new name for each old one that is still there: the same, else one that covers it or is covered by it."""
    matched = {name: name for name in old if name in new}
    left = [name for name in new if name not in matched]
    for name in old:
        if name in matched:
            continue
        known = media_type(name)
        found = next((each for each in left if _alike(known, media_type(each))), None)
        if found is not None:
            matched[name] = found
            left.remove(found)
    return matched


def _alike(one: MediaType, other: MediaType) -> bool:
    return covers(one, other) or covers(other, one)
