"""The lint rules, in the order in which they are applied and explained. One rule, one file, one line here."""

from __future__ import annotations

from treadle.check.lint.error_envelope import error_envelope
from treadle.check.lint.event_metadata import event_metadata
from treadle.check.lint.event_name import event_name
from treadle.check.lint.idempotency_key import idempotency_key
from treadle.check.lint.owner_declared import owner_declared
from treadle.check.lint.partition_key import partition_key
from treadle.check.lint.path_major import path_major
from treadle.check.rule import Rule

RULES: tuple[Rule, ...] = (
    owner_declared,
    path_major,
    error_envelope,
    idempotency_key,
    event_name,
    event_metadata,
    partition_key,
)
