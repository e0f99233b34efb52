"""What a line about one kind of edit of a schema is."""

from __future__ import annotations

from dataclasses import dataclass

from treadle.check.schema.edit import Effect


@dataclass(frozen=True, slots=True)
class Keyword:
    """One kind of edit, as the kernel names it (`id`), and what it does to the values of a schema.

    `effect` is None where the kernel could not decide it. `said` follows the name of the place in a message.
    """

    id: str
    kind: str
    action: str
    effect: Effect | None
    said: str
    why: str = ""
