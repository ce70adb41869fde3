"""`diff` hides confidential values unless it is told to show them."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from cli.command_errors import Exit
from tests.cli.terminal import Terminal
from tests.workbench import Workbench, kepler

# Of CPU: most of it is the simulation.
SECONDS = 5.0
OLD, NEW = "0ld-s3cret", "n3w-s3cret"


def edited(secret: str, port: int) -> dict[str, Any]:
    """A Kepler with a secret in a variable and in a URL, and a port that is none."""
    models = {"node-total": {"init-url": f"https://user:{secret}@models.example/x.zip"}}
    return kepler(
        collector={"env": [{"name": "NVIDIA_HOSTENGINE_ENDPOINT", "value": secret}], "port": port},
        estimator_sidecar={"enabled": True, "models": models},
    )


@pytest.fixture
def file(workbench: Workbench, tmp_path: Path) -> str:
    """An edit of what is applied and reconciled."""
    workbench.apply(edited(OLD, 9102))
    workbench.settle()
    path = tmp_path / "kepler.yaml"
    path.write_text(json.dumps(edited(NEW, 9103)))
    return str(path)


@pytest.mark.parametrize("how", [(), ("--full",), ("-o", "json"), ("-o", "yaml")])
def test_values_that_are_confidential_are_hidden(file: str, terminal: Terminal, how: tuple[str, ...]) -> None:
    """In each format: in the resource itself, in the DaemonSet and in `kepler-cfm`; that they change is shown."""
    result = terminal("diff", "-f", file, *how)
    assert result.code == Exit.NO
    assert OLD not in result.out + result.err
    assert NEW not in result.out + result.err
    assert "(hidden)" in result.out
    assert "(hidden, changed)" in result.out
    assert "models.example" in result.out
    assert "9103" in result.out


def test_values_are_shown_on_request(file: str, terminal: Terminal) -> None:
    """With `--show-values` the diff is as exact as the apply."""
    result = terminal("diff", "-f", file, "--show-values")
    assert f"-> {NEW}" in result.out
    assert f"user:{NEW}@models.example/x.zip" in result.out
    assert "(hidden" not in result.out


def test_a_diff_ends_quickly_whatever_a_value_is(workbench: Workbench, terminal: Terminal, tmp_path: Path) -> None:
    """A long value that is made to keep patterns busy is hidden or cut; nobody waits for it."""
    workbench.apply(kepler())
    annotations = {"a": "token" * 10_000, "b": "m" * 50_000}
    path = tmp_path / "kepler.yaml"
    path.write_text(json.dumps(kepler() | {"metadata": {"name": "kepler", "annotations": annotations}}))
    began = time.process_time()
    result = terminal("diff", "-f", str(path), "--full")
    assert time.process_time() - began < SECONDS
    assert result.code == Exit.NO
    assert "... (cut, 50000 characters)" in result.out
    assert len(result.out) < 40_000
