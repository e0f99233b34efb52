"""Semantic versions and what a step between two of them promises. Source: https://semver.org/spec/v2.0.0.html."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

_NUMBER = r"(?:0|[1-9][0-9]{0,8})"
_SEMVER = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?\Z"
)


class Bump(IntEnum):
    """How far a version must move, or moved."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """`major.minor.patch`; a pre-release sorts before its release."""

    major: int
    minor: int
    patch: int
    release: bool = True
    pre: str = ""


def read_version(text: str) -> Version | None:
    """The version that a text stands for, or None where it is no semantic version."""
    match = _SEMVER.match(text)
    if not match:
        return None
    major, minor, patch, pre = match.groups()
    return Version(int(major), int(minor), int(patch), pre is None, pre or "")


def bump_between(old: Version, new: Version) -> Bump:
    """What the step from `old` to `new` declares. A step back, or between pre-releases, declares nothing."""
    if new <= old:
        return Bump.NONE
    if new.major != old.major:
        return Bump.MAJOR
    if new.minor != old.minor:
        return Bump.MINOR
    return Bump.PATCH if new.patch != old.patch else Bump.NONE
