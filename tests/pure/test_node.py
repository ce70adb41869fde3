"""What a whole node is made of, without making one."""

import re
from pathlib import Path

import pytest
import yaml

from local import go_programs
from node import cgroups, node_files, official, pinned, prerequisites, user_install
from node.__main__ import NOT_POSSIBLE, main
from tests.node import measured


def required(module: str, path: str) -> str:
    """The version that a go.mod of the node requires."""
    text = (pinned.FOLDER / module / "go.mod").read_text()
    match = re.search(rf"^\s*(?:require )?{re.escape(path)} (v\S+)", text, re.MULTILINE)
    assert match, f"{module}/go.mod does not require {path}"
    return match[1]


def test_the_kubelet_is_of_the_control_planes_version() -> None:
    """Both go.mod files are to be changed together."""
    assert required("cluster", go_programs.KUBERNETES) == go_programs.version()


def test_serving_and_eventing_are_of_one_release() -> None:
    """As Knative tests them."""
    assert required("serving", pinned.SERVING) == required("cluster", pinned.EVENTING)


@pytest.mark.parametrize(
    ("project", "path"),
    [
        ("serving", "queue"),
        ("eventing", "controller"),
        ("eventing", "broker/filter"),
        ("eventing", "in_memory/channel_dispatcher"),
        ("eventing", "in_memory/channel_controller"),
    ],
)
def test_an_image_of_the_manifests_is_a_program_that_is_built(project: str, path: str) -> None:
    """By the local stack, or for the node."""
    built = {program.name for program in (*go_programs.ALL, *pinned.PROGRAMS)}

    assert official.program(project, path) in built


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, False),
        ({"conditions": None}, False),
        ({"conditions": [{"type": "Established", "status": "False"}]}, False),
        (
            {"conditions": [{"type": "NamesAccepted", "status": "True"}, {"type": "Established", "status": "True"}]},
            True,
        ),
    ],
)
def test_a_definition_is_established_by_its_condition_alone(status: dict[str, object], *, expected: bool) -> None:
    """The API server writes `conditions: null` before it has looked at a new one."""
    assert official.established({"status": status}) == expected


def test_the_overlay_is_one_over_config_base_that_sets_the_image(tmp_path: Path) -> None:
    """As docs/install.md has it, with a path from wherever the overlay is."""
    folder = user_install.overlay(tmp_path / "own", "1.2.3")

    written = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert [(folder / resource).resolve() for resource in written["resources"]] == [user_install.BASE]
    assert written["images"] == [{"name": "kepler-on-knative", "newName": user_install.REPOSITORY, "newTag": "1.2.3"}]


def test_the_exporter_has_the_reference_that_functions_are_given() -> None:
    """Nothing of `config/base` but the operator's image is changed."""
    assert user_install.exporter().name in (user_install.BASE / "kepler-collector.yaml").read_text()


def test_what_is_missing_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence for what no package brings, one for all packages."""
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(node_files, "CNI_FOLDERS", ())

    missing = prerequisites.examine()

    assert any("needs root" in sentence for sentence in missing.impossible)
    assert "`make e2e-deps` installs them" in missing.sentences()[-1]
    assert {"containerd", "runc", "containernetworking-plugins", "libc6-dev"} <= set(missing.packages)


def test_packages_are_not_installed_where_a_node_cannot_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says why, and ends as `check` does: with 3, and without asking the distribution for anything."""
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    assert main(["install-packages"]) == NOT_POSSIBLE
    assert "needs root" in capsys.readouterr().out


def test_without_apt_the_packages_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of another distribution they have other names: no traceback, and no guess."""
    monkeypatch.setattr(prerequisites, "examine", lambda: prerequisites.Prerequisites((), ("runc",)))
    monkeypatch.setattr("shutil.which", lambda _: None)

    assert main(["install-packages"]) == 1
    assert "there is no apt-get here: install what corresponds to runc" in capsys.readouterr().err


def test_version_1_and_2_of_cgroups_are_told_apart(tmp_path: Path) -> None:
    """By the file that only version 2 has at its root."""
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cgroup.procs").touch()
    assert cgroups.hierarchies(tmp_path) == [tmp_path / "cpu"]

    (tmp_path / "cgroup.controllers").touch()
    assert cgroups.hierarchies(tmp_path) == [tmp_path]


def test_the_table_has_a_median(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the least, the most and how many."""
    monkeypatch.setattr(measured, "SECONDS", {"cold": [3.0, 1.0, 2.0]})
    monkeypatch.setattr(measured, "USED", {})

    assert measured.table()[1].split() == ["cold", "2.00", "1.00", "3.00", "3"]
