"""`diff` of the samples, as a newcomer applies them: by a kustomization, then compared as a folder and as that."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.command_errors import Exit
from local.layout import ROOT
from local.stack import Stack
from runtime.objects import KEPLER as KIND
from tests.cli.terminal import Terminal
from tests.workbench import Workbench, kepler

SAMPLES = str(ROOT / "config/samples")
PLACE = KEPLER = "kepler-system"
FLAGS = ("-f", "-k")


@pytest.fixture
def kubectl(control_plane: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real kubectl on the PATH."""
    folder = Path(control_plane.layout.program("kubectl")).parent
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))


@pytest.fixture
def anywhere(control_plane: Stack, terminal: Terminal) -> Iterator[Terminal]:
    """A terminal of the administrator's in no namespace, after `kubectl apply -k config/samples`."""
    control_plane.kubectl("apply", "-k", SAMPLES)
    yield Terminal(terminal.capsys, terminal.flags[:2])
    kinds = "keplers,keplercollectedmetrics,keplerexportedpowers"
    control_plane.kubectl("-n", PLACE, "delete", kinds, "--all", "--wait=false")


@pytest.mark.usefixtures("kubectl")
def test_what_was_applied_by_a_kustomization_does_not_differ(control_plane: Stack, anywhere: Terminal) -> None:
    """Neither as a folder nor as a kustomization; before the functions have acted, their part does."""
    assert [anywhere("diff", flag, SAMPLES).code for flag in FLAGS] == [Exit.NO, Exit.NO]
    Workbench(control_plane, PLACE).settle(KEPLER)
    results = [anywhere("diff", flag, SAMPLES) for flag in FLAGS]
    assert [(result.code, result.out) for result in results] == [(Exit.OK, "")] * 2


@pytest.mark.usefixtures("kubectl")
def test_a_kustomization_is_rendered_with_its_patches(alone: Terminal, tmp_path: Path) -> None:
    """`kubectl kustomize` builds it, so that whatever that knows counts."""
    (tmp_path / "kepler.yaml").write_text(json.dumps(kepler("k")))
    patch = {
        "apiVersion": KIND.api_version,
        "kind": KIND.name,
        "metadata": {"name": "k"},
        "spec": {"collector": {"port": 9105}},
    }
    built = {"namespace": "energy", "resources": ["kepler.yaml"], "patches": [{"patch": json.dumps(patch)}]}
    (tmp_path / "kustomization.yaml").write_text(json.dumps(built))
    result = alone("render", "--offline", "-k", str(tmp_path))
    assert (result.code, "-address=:9105" in result.out, "namespace: energy" in result.out) == (Exit.OK, True, True)


@pytest.mark.usefixtures("kubectl")
def test_a_folder_that_is_no_kustomization(alone: Terminal, tmp_path: Path) -> None:
    """In kustomize's own words, in one line."""
    result = alone("render", "--offline", "-k", str(tmp_path))
    assert (result.code, len(result.err.splitlines())) == (Exit.REFUSED, 1)
    assert "unable to find one of 'kustomization.yaml'" in result.err


def test_a_kustomization_needs_kubectl(alone: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its absence is told with what to do."""
    monkeypatch.setenv("PATH", str(tmp_path))
    result = alone("render", "--offline", "-k", str(tmp_path))
    assert (result.code, "kubectl is not on your PATH" in result.err) == (Exit.MISSING, True)


@pytest.mark.parametrize("arguments", [(), ("-f", "x", "-k", "x"), ("-k", "x", "-R")])
def test_files_or_a_kustomization(alone: Terminal, arguments: tuple[str, ...]) -> None:
    """One of them, as kubectl takes it."""
    result = alone("render", "--offline", *arguments)
    assert (result.code, "--filename or --kustomize" in result.err) == (Exit.USAGE, True)
