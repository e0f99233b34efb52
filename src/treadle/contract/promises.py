"""What an operation promises and how hard it is held to it: the words of `x-treadle`, read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Enforcement(StrEnum):
    """How hard a contract is enforced on live traffic: noted, told to the caller, or refused."""

    OBSERVE = "observe"
    WARN = "warn"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class Enforcements:
    """How hard each aspect of a contract is enforced: tokens and rights, limits and quotas, the form of calls."""

    auth: Enforcement = Enforcement.ENFORCE
    limits: Enforcement = Enforcement.ENFORCE
    validation: Enforcement = Enforcement.ENFORCE

    @classmethod
    def all(cls, how: Enforcement) -> Enforcements:
        """The same for every aspect."""
        return cls(how, how, how)

    def __str__(self) -> str:
        """`enforce`, or each aspect where they differ: `auth enforce, limits observe, validation warn`."""
        if self.auth is self.limits is self.validation:
            return self.auth.value
        return f"auth {self.auth}, limits {self.limits}, validation {self.validation}"


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket for each consumer: `requests` are refilled every `per_s` seconds, continuously.

    `burst` is the most that the bucket holds, and so the most that come at once; 0: as many as `requests`.
    """

    requests: int
    per_s: int = 1
    burst: int = 0

    @property
    def size(self) -> int:
        """The most that the bucket holds."""
        return self.burst or self.requests


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Whether calls must or may carry an `Idempotency-Key`, and what becomes of it.

    An answer is kept for `ttl_s` seconds. `lookup` is the operation id of a GET of the same contract that tells what
    became of a key, empty where there is none.
    """

    required: bool = True
    ttl_s: int = 86_400
    lookup: str = ""


class Validation(StrEnum):
    """Where calls are held against the contract.

    By the guard hop (bodies too), by the gateway itself (what it can see without a body), or nowhere.
    """

    GUARD = "guard"
    NATIVE = "native"
    NONE = "none"


class Streaming(StrEnum):
    """How long an answer may be open: a whole one, a stream of events, or a connection that changed its protocol."""

    NONE = "none"
    RESPONSE = "response"
    UPGRADE = "upgrade"


@dataclass(frozen=True, slots=True)
class Access:
    """What a token must say beyond its scopes.

    `condition` is a CEL expression over `claims`, empty for none. `acr` are accepted values of that claim, `amr`
    methods of which one must have been used (RFC 8176). `bound` asks for a token that is bound to the caller's
    certificate (RFC 8705).
    """

    condition: str = ""
    acr: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()
    bound: bool = False


@dataclass(frozen=True, slots=True)
class Cors:
    """Who may call from a browser. `origins` are exact (`https://shop.example`), or the one `*`."""

    origins: tuple[str, ...]
    credentials: bool = False
    max_age_s: int = 600
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deprecation:
    """When a contract began and stops to be served: days as `2026-12-31` (UTC), empty where not said.

    `successor` is a contract id or the address of its description, `link` a page for people about the move.
    """

    since: str = ""
    sunset: str = ""
    successor: str = ""
    link: str = ""
