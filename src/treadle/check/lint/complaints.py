"""What lint says of itself: results that no rule has made, and why a ruleset cannot be run."""

from __future__ import annotations

from collections.abc import Mapping

COMPLAINTS: Mapping[str, str] = {
    "parser": (
        "The file was read, and something in it is not as YAML or JSON should be: a key that stands twice, a key that "
        "is no text, a syntax error. `parserOptions` of the ruleset say how badly the first two count."
    ),
    "invalid-ref": (
        "A `$ref` leads nowhere: to a name that is not there, to a file that is not at hand, or to an address, and "
        "nothing is fetched. Of several references to one name that is missing, one is told; where a reference leads "
        "to one that dangles, the first of the chain. In a JSON Schema, names given by `$anchor` and `$id` count."
    ),
    "unrecognized-format": (
        "Every rule is for documents of some format, and this document is of none of them, so nothing was judged. Does "
        "it say `openapi`, `asyncapi` or `$schema`, with a version that the rules know?"
    ),
    "ruleset-shape": "The ruleset has a key or a value that means nothing in Spectral's format.",
    "ruleset-extends": (
        "`extends` names a ruleset that is not there. Rulesets that ship are named as `spectral:oas`; others lie "
        "beside the ruleset, since packages and addresses are not fetched."
    ),
    "ruleset-rule": "A severity was given to a rule that no ruleset defines.",
    "ruleset-alias": "A path begins with `#name`, and the ruleset has no alias of that name, or aliases that go round.",
    "ruleset-path": (
        "`given` or `field` is a path that cannot be read. `docs/rulesets.md` says what a path and a filter may hold."
    ),
    "ruleset-function": (
        "`then` names a function that is neither a core function nor offered by a Python package. JavaScript is not "
        "run."
    ),
    "ruleset-options": "`functionOptions` are not those that the function takes.",
    "ruleset-javascript": (
        "The ruleset, or a part of it, is a program in JavaScript, which is not run. Write the ruleset as YAML, and "
        "its functions in Python (`docs/rulesets.md`)."
    ),
}
