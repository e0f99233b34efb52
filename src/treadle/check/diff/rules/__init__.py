"""THE table of changes: what each means to those who use it, and which version it asks for.

Ids are oasdiff's where it has one (https://github.com/oasdiff/oasdiff), so that waivers and habits carry over; words
and reasons are our own. Levels follow one law (`rule.law`); a row that departs from it, or from oasdiff, says why.
"""

from __future__ import annotations

from treadle.check.diff.rule import Rule
from treadle.check.diff.rules.bodies import BODIES
from treadle.check.diff.rules.channels import CHANNELS
from treadle.check.diff.rules.components import COMPONENTS
from treadle.check.diff.rules.headers import HEADERS
from treadle.check.diff.rules.lifecycle import LIFECYCLE
from treadle.check.diff.rules.parameters import PARAMETERS
from treadle.check.diff.rules.paths import PATHS
from treadle.check.diff.rules.payloads import PAYLOADS
from treadle.check.diff.rules.properties import PROPERTIES
from treadle.check.diff.rules.responses import RESPONSES
from treadle.check.diff.rules.schemas import SCHEMAS
from treadle.check.diff.rules.security import SECURITY
from treadle.check.diff.rules.versions import VERSIONS

__all__ = ["BY_ID", "RULES"]

RULES: tuple[Rule, ...] = (
    *PATHS,
    *LIFECYCLE,
    *SECURITY,
    *PARAMETERS,
    *BODIES,
    *RESPONSES,
    *HEADERS,
    *PROPERTIES,
    *SCHEMAS,
    *COMPONENTS,
    # Of events, of JSON Schemas that stand by themselves, and of every version
    *CHANNELS,
    *PAYLOADS,
    *VERSIONS,
)

BY_ID: dict[str, Rule] = {rule.id: rule for rule in RULES}
