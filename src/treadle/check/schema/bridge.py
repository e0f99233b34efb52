"""Objects that both versions should take, to put in what only one of them takes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from treadle.check.schema.fits import fits
from treadle.check.schema.shape import Shape
from treadle.check.schema.specimen import NoSpecimen, an_object, specimen
from treadle.contract.model import Json


def bridge(taken: Shape, refused: Shape, without: str | None = None) -> dict[str, Json]:
    """An object of `taken` with what `refused` requires, too; `without` one property. Raises `NoSpecimen`.

    A body that is refused should be so because of the edit that it shows, and not because of what stands beside it.
    """
    left_out = frozenset() if without is None else frozenset({without})
    beside = frozenset() if without is None else taken.needs.get(without, frozenset())
    result = an_object(replace(taken, required=(taken.required - left_out) | beside))
    for name in sorted((refused.required | result.keys()) - left_out):
        values = []
        for shape in (refused, taken):
            with suppress(NoSpecimen):
                values.append(specimen(shape.at(name)))
        takes = [value for value in values if fits(value, taken.at(name)) is not False]
        both = [value for value in takes if fits(value, refused.at(name)) is not False]
        if both or takes:
            result[name] = (both or takes)[0]
    return result
