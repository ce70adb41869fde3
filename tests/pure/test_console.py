"""What the console knows beside the query API: kept in step with the code that it is about."""

import hashlib
import re

from audit.answers import states
from local.layout import ROOT

CONSOLE = ROOT / "audit" / "console"
PREACT = "72284e8e9079c87817145df1110f74e8a2aa040b2fc384922e18dfcb46fc1fd7"


def test_levels_and_states_of_the_query_api_have_a_sign() -> None:
    """All but those that say that there is nothing to say yet."""
    signs = re.findall(r"^  (\w+): \[", (CONSOLE / "parts.js").read_text(), re.MULTILINE)
    assert {*states.WORST, *states.ORDER} - {*signs} == {"stale", "unreported", "referenced"}


def test_the_vendored_preact_is_what_was_published() -> None:
    """Byte for byte `preact/standalone.module.js` of htm 3.1.1: whatever else comes into it is not ours to run."""
    content = (CONSOLE / "vendor" / "preact.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() == PREACT


def test_every_script_that_is_asked_for_is_there() -> None:
    """And each that is there is asked for."""
    asked = {"app.js", "theme.js"}
    for script in CONSOLE.rglob("*.js"):
        asked |= {match.removeprefix("./") for match in re.findall(r'from "([^"]+)"', script.read_text())}
    assert asked == {str(path.relative_to(CONSOLE)) for path in CONSOLE.rglob("*.js")}
