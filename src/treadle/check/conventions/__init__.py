"""The lint rules, in the order in which they are applied and explained. One rule, one file, one line here."""

from __future__ import annotations

from treadle.check.conventions.error_envelope import error_envelope
from treadle.check.conventions.event_metadata import event_metadata
from treadle.check.conventions.event_name import event_name
from treadle.check.conventions.idempotency_key import idempotency_key
from treadle.check.conventions.owner_declared import owner_declared
from treadle.check.conventions.partition_key import partition_key
from treadle.check.conventions.path_major import path_major
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
