"""Values that the API server or kubectl give another form: applied, they come to rest, and nobody asks for more."""

import json
from pathlib import Path
from typing import Any

import pytest

from crds.collector_fields import ReleaseLine
from tests.cli.terminal import Terminal
from tests.protocol.test_sweep import SweepRun
from tests.workbench import Workbench, kepler

EMPTY: dict[str, dict[str, Any]] = {
    "a variable with an empty value": {"env": [{"name": "NVIDIA_HOSTENGINE_ENDPOINT", "value": ""}]},
    "a toleration of everything": {"tolerations": [{"key": "", "operator": "Exists", "effect": ""}]},
    "no limits": {"resources": {"limits": {}}},
}
CASES = {
    f"{name}, {line}": {**collector, "release": line.value} for name, collector in EMPTY.items() for line in ReleaseLine
}


@pytest.mark.parametrize("how", [(), ("--server-side",)], ids=["client-side", "server-side"])
@pytest.mark.parametrize("collector", CASES.values(), ids=CASES)
def test_a_value_that_is_empty_rests(
    collector: dict[str, Any], how: tuple[str, ...], workbench: Workbench, terminal: Terminal, tmp_path: Path
) -> None:
    """Ready; then a sweep asks for nothing, a resync writes nothing, and `diff` of the same file predicts nothing."""
    file = tmp_path / "kepler.yaml"
    file.write_text(json.dumps(kepler(collector=collector)))
    workbench.stack.kubectl("apply", *how, "-n", workbench.namespace, "-f", str(file))
    workbench.settle()
    workbench.roll_out()
    workbench.settle()

    assert workbench.conditions()["Ready"]["status"] == "True"
    assert SweepRun(workbench.stack).diverging(workbench.namespace) == {}
    assert workbench.settle() == 0
    predicted = terminal("diff", "-f", str(file), "-o", "json")
    assert (predicted.code, predicted.data["objects"], predicted.err) == (0, [], "")
