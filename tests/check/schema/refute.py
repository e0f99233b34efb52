"""Values that prove a claim of the kernel wrong: a validator that nobody here wrote has the last word."""

from jsonschema_rs import Draft202012Validator
from tests.check.schema.versions import Versions

from treadle.contract.schema import PATTERNS


def refutations(invention, old, new, values=30):
    """What was claimed of two invented documents, with a value that refutes it."""
    versions = Versions(old, new)
    edits = versions.edits()
    takes, took = (Draft202012Validator(each, pattern_options=PATTERNS) for each in (new, old))
    some = [invention.value(3) for _ in range(values)]
    some += [invention.near(some) for _ in range(values // 2)]
    before, after = [took.is_valid(each) for each in some], [takes.is_valid(each) for each in some]
    lost = [value for value, was, now in zip(some, before, after, strict=True) if was and not now]
    won = [value for value, was, now in zip(some, before, after, strict=True) if now and not was]
    claims = (
        ("no edit narrows", not any(edit.effect.narrows for edit in edits), lost),
        ("no edit widens", not any(edit.effect.widens for edit in edits), won),
        ("the new takes all of the old", versions.within(), lost),
    )
    return [(claim, old, new, found[0]) for claim, made, found in claims if made and found]
