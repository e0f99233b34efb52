"""`treadle explain`: the long text of a rule or an error code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from treadle.check.diff.rule import Rule


def _begins(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    return [each for each in texts_by_id() if each.startswith(typed)]


@click.command()
@click.argument("code", required=False, shell_complete=_begins)
def command(code: str | None) -> None:
    """Say more about a rule or an error code; without one, list them all."""
    texts = texts_by_id()
    if code is None:
        for id in texts:
            click.echo(id)
        return
    if code not in texts:
        from treadle.base.errors import UsageError
        from treadle.base.nearest import nearest
        from treadle.base.printable import printable

        near = nearest(code, texts)
        hint = f"did you mean `{near}`?" if near else "`treadle explain` lists every rule and code"
        raise UsageError("unknown-code", f"there is no rule or error code `{printable(code)}`", hint)
    click.echo(f"{code}\n\n{texts[code]}", file=sys.stdout)


def texts_by_id() -> dict[str, str]:
    """Every rule and code of the product, with its text: lint rules, conflicts, compatibility, reading, errors."""
    from treadle.base.codes import CODES
    from treadle.check.conflicts import CONFLICTS, documentation
    from treadle.check.diff.rules import RULES as CHANGES
    from treadle.check.exemptions import COMPLAINTS as EXEMPTIONS
    from treadle.check.lint.complaints import COMPLAINTS as OF_LINT
    from treadle.check.lint.documentation import documentation as of_rulesets
    from treadle.contract.complaints import COMPLAINTS

    return {
        **of_rulesets(),
        **OF_LINT,
        **EXEMPTIONS,
        **{id: documentation(id) for id in CONFLICTS},
        **{rule.id: _of_change(rule) for rule in CHANGES},
        **COMPLAINTS,
        **CODES,
    }


def _of_change(rule: Rule) -> str:
    asks = f"\n\nCompatibility rule; it asks for a {rule.bump.name.lower()} version." if rule.bump else ""
    return rule.why + asks + (f" {rule.differs}" if rule.differs else "")
