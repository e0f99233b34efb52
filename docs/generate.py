"""Writes the pages that are made from the code: rules, error codes, the command line. `make docs` runs it; a test
fails when a page is not what this would write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

import click

HERE = Path(__file__).parent
MADE = "<!-- made by `make docs`; edit the code, not this page -->"


def rules() -> str:
    """Every rule that a contract can break, by where it comes from."""
    from treadle.check.conflicts import CONFLICTS, documentation
    from treadle.check.exemptions import COMPLAINTS as EXEMPTIONS
    from treadle.check.lint.documentation import CONVENTIONS, documented
    from treadle.check.lint.ruleset.shipped import SHIPPED
    from treadle.contract.complaints import COMPLAINTS

    lines = [
        MADE,
        "# Rules",
        "",
        "`treadle explain RULE` prints the same texts. A finding is `invalid` (not a valid contract, exit code 3),",
        "`block` (a policy is violated, exit code 1), `warn` or `info`. Rules of a ruleset have Spectral's severities:",
        "`error` blocks, `warn` warns, `info` and `hint` inform. How to change them for a workspace, or to make an",
        "exception for a while, is said in its `standards/*.spectral.yaml`.",
        "",
    ]
    for ruleset in CONVENTIONS:
        lines += [f"## Conventions: {ruleset}", ""]
        for rule in documented(ruleset):
            lines += [f"### {rule.id} ({rule.severity})", "", rule.description, "", f"Why: {rule.why}", ""]
            lines += [*_fenced("Bad", rule.bad), *_fenced("Good", rule.good), f"Mend it: {rule.fix}.", ""]
    lines += ["## Exceptions", "", *_table("rule", EXEMPTIONS), "", "## Conflicts between contracts", ""]
    for id in CONFLICTS:
        lines += [f"### {id}", "", *_quoted(documentation(id)), ""]
    lines += [
        "## Compatibility of two versions",
        "",
        "What a change means, whom it breaks and which version it asks for is told rule by rule on a page of its own:",
        "[changes](changes.md).",
        "",
        "## Reading",
        "",
        *_table("rule", COMPLAINTS),
        "",
    ]
    for ruleset in SHIPPED:
        if ruleset not in CONVENTIONS:
            lines += [f"## {ruleset}", "", "| rule | severity | what it wants |", "| --- | --- | --- |"]
            lines += [f"| {each.id} | {each.severity} | {_cell(each.description)} |" for each in documented(ruleset)]
            lines += [""]
    return "\n".join(lines).rstrip() + "\n"


def changes() -> str:
    """Every change between two versions of a contract."""
    from treadle.check.diff.rules import RULES

    lines = [
        MADE,
        "# Changes",
        "",
        "What `treadle diff`, `treadle bump` and `treadle check` say of two versions. Ids are oasdiff's where it has",
        "one. An `error` breaks somebody and blocks. *Differs* says why a level is not oasdiff's.",
        "",
        "| rule | level | asks for | why | differs |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {each.id} | {each.level} | {_bump(each.bump)} | {_cell(each.why)} | {_cell(each.differs)} |"
            for each in RULES
        ),
    ]
    return "\n".join(lines) + "\n"


def errors() -> str:
    """Every error code."""
    from treadle.base.codes import CODES

    return "\n".join([MADE, "# Error codes", "", *_table("code", dict(sorted(CODES.items())))]) + "\n"


def commands() -> str:
    """Every verb with its --help."""
    from treadle.cli.main import VERBS, cli

    lines = [MADE, "# Command line", "", "```", *_help(cli, "treadle"), "```", ""]
    for verb, (module, _) in VERBS.items():
        command: click.Command = import_module(f"treadle.cli.{module}").command
        for name, each in _walk(f"treadle {verb}", command):
            lines += [f"## {name}", "", "```", *_help(each, name), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


PAGES = {"rules.md": rules, "changes.md": changes, "errors.md": errors, "commands.md": commands}


def _walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for sub in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), sub)
            if found is not None:
                yield from _walk(f"{name} {sub}", found)


def _help(command: click.Command, name: str) -> list[str]:
    from treadle.cli.main import cli

    # click keeps the option of whoever asked first, with the names that were said there
    command._help_option = None  # noqa: SLF001 - there is no public way to ask anew
    names = list(cli.context_settings["help_option_names"])
    context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100, help_option_names=names)
    return [line.rstrip() for line in command.get_help(context).splitlines()]


def _table(head: str, rows: Mapping[str, str]) -> list[str]:
    return [f"| {head} | what it means |", "| --- | --- |", *(f"| {id} | {_cell(text)} |" for id, text in rows.items())]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _bump(bump: object) -> str:
    return getattr(bump, "name", "").lower() or "nothing"


def _fenced(title: str, text: str) -> list[str]:
    """An example of a ruleset, as a block of YAML."""
    return [f"{title}:", "", "```yaml", *text.strip("\n").splitlines(), "```", ""]


def _quoted(text: str) -> list[str]:
    """A docstring as Markdown: its examples (`Bad:`, `Good:`, what is indented) keep their lines."""
    made: list[str] = []
    fenced = False
    for line in text.splitlines():
        example = line.startswith(("Bad:", "Good:", " ")) and bool(line.strip())
        if example != fenced:
            made.append("```" if fenced else "```text")
            fenced = example
        made.append(line)
    return [*made, "```"] if fenced else made


if __name__ == "__main__":
    for page, make in PAGES.items():
        (HERE / page).write_text(make())
