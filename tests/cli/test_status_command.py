"""`status`: the worst first, a line a resource, by labels, watched, and as far as the user may read."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest

from cli.command_errors import Exit
from cli.output import columns, fitted
from cli.status_rows import HEADINGS, OPTIONAL_COLUMNS, WatchOutput, rows, status
from local.layout import ROOT
from runtime.objects import COLLECTED_METRIC, KEPLER, Kind, Manifest, Ref
from tests.cli.terminal import Terminal
from tests.workbench import Workbench, kepler

NOW = datetime(2026, 1, 10, tzinfo=UTC)
PLUGIN = ROOT / ".venv/bin/kubectl-kepler"
LONG = "a sentence that goes on and on, since it names an image, its repository, all others, and what to do about it"


def resource(name: str, ready: str = "True", reason: str = "R", kind: Kind = KEPLER) -> dict[Ref, Manifest]:
    """A resource in namespace 'energy'."""
    answer = {"type": "Ready", "status": ready, "reason": reason, "message": LONG, "observedGeneration": 1}
    conditions = [answer] if kind == KEPLER else []
    described = {"name": name, "namespace": "energy", "generation": 1}
    return {Ref(kind, "energy", name): {"metadata": described, "status": {"conditions": conditions}}}


MIXED = {
    **resource("a"),
    **resource("sources", kind=COLLECTED_METRIC),
    **resource("b", "Unknown", "Waiting"),
    **resource("z", "False", "ImageNotAllowed"),
}


def test_the_worst_is_first() -> None:
    """What is wrong, what waits, what is well, and what has no state of its own; programs get the same order."""
    assert [resource.name for resource in status(MIXED).resources] == ["z", "b", "a", "sources"]


def test_the_reason_has_a_column() -> None:
    """Of kinds that have none, a dash."""
    rows_by_heading = [dict(zip(HEADINGS, row, strict=True)) for row in rows(status(MIXED), NOW)]
    assert [row["REASON"] for row in rows_by_heading] == ["ImageNotAllowed", "Waiting", "R", "-"]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_a_resource_is_one_line_on_a_terminal(width: int) -> None:
    """Less important columns go first; the sentence is cut, and `explain` has all of it."""
    shown = fitted([HEADINGS, *rows(status(MIXED), NOW)], OPTIONAL_COLUMNS, width)
    lines = [line.replace("   ", "  ") for line in columns(shown).splitlines()]
    assert {"NAME", "READY", "REASON"} <= {*shown[0]}
    assert all(len(line) <= width for line in lines) is (width >= 60)
    cut = [row[shown[0].index("WHY")].endswith("…") for row in shown[1:-1]] if "WHY" in shown[0] else []
    assert cut == {80: [], 100: [True] * 3, 200: [False] * 3}.get(width, [])


def test_labels_choose_and_companions_still_know_who_names_them(workbench: Workbench, terminal: Terminal) -> None:
    """A KeplerCollectedMetric is read by a Kepler that has not the label."""
    workbench.apply(kepler(collected_metric="sources"))
    workbench.apply({**kepler("sources"), "kind": "KeplerCollectedMetric"})
    workbench.stack.kubectl("-n", workbench.namespace, "label", "kcm/sources", "team=a")
    (entry,) = terminal("status", "-l", "team=a", "-o", "json").data["resources"]
    assert (entry["name"], entry["why"]) == ("sources", "read by Kepler kepler")
    none = terminal("status", "--selector", "team=b")
    assert (none.code, "no Kepler resources with labels 'team=b' in namespace" in none.err) == (Exit.OK, True)
    wrong = terminal("status", "-l", "a=b=c")
    assert (wrong.code, len(wrong.err.splitlines())) == (Exit.REFUSED, 1)


@pytest.fixture
def watched(workbench: Workbench) -> Iterator[IO[str]]:
    """What `status --watch` prints to a pipe."""
    command = [str(PLUGIN), "status", "-w", "--kubeconfig", str(workbench.stack.admin), "-n", workbench.namespace]
    # A shell starts its background jobs, and what they start, with SIGINT ignored.
    interruptible = ["env", "--default-signal=INT", *command]
    with subprocess.Popen(interruptible, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


@pytest.mark.timeout(60)
def test_a_change_is_a_line_of_its_own(workbench: Workbench, watched: IO[str]) -> None:
    """Of what was there before, of what is new, and of what is gone; nothing where nothing has changed."""
    assert watched.readline().split()[:2] == ["KIND", "NAME"]
    workbench.apply(kepler())
    assert "no function has reported on it" in watched.readline()
    workbench.apply(kepler(collected_metric="mine"))
    workbench.settle()
    while "CollectedMetricNotFound" not in (line := watched.readline()):
        assert f"{workbench.namespace}/kepler" in line
    workbench.delete("keplers/kepler")
    assert watched.readline().rstrip().endswith("it is deleted")


def test_only_what_has_changed_is_printed_again() -> None:
    """In the columns of the first look."""
    watch_output = WatchOutput()
    first = watch_output.lines(status(MIXED), NOW)
    assert len(first) == 5
    assert watch_output.lines(status(MIXED), NOW) == []
    (again,) = watch_output.lines(status({**MIXED, **resource("b", "True", "Ready")}), NOW)
    assert again.index("True") == first[0].index("READY")


def test_a_watch_is_for_people(alone: Terminal) -> None:
    """A stream of JSON documents is not what `status` is for."""
    result = alone("status", "-w", "-o", "json")
    assert (result.code, "leave --output out" in result.err) == (Exit.USAGE, True)


@pytest.fixture
def limited(workbench: Workbench, terminal: Terminal) -> Callable[..., Terminal]:
    """The terminal of somebody who may list these resources in the test's namespace, and nothing else."""
    stack, place = workbench.stack, workbench.namespace

    def of(*resources: str) -> Terminal:
        stack.kubectl("-n", place, "create", "serviceaccount", "user")
        kinds = ",".join(f"{resource}.sustainable-computing.io" for resource in resources)
        stack.kubectl("-n", place, "create", "role", "user", "--verb=list,get", f"--resource={kinds}")
        stack.kubectl("-n", place, "create", "rolebinding", "user", "--role=user", f"--serviceaccount={place}:user")
        return Terminal(terminal.capsys, ("--kubeconfig", str(stack.kubeconfig_for(place, "user")), "-n", place))

    return of


def test_what_may_not_be_listed_is_left_out_and_said(workbench: Workbench, limited: Callable[..., Terminal]) -> None:
    """Other namespaces, and other kinds; the rest is there."""
    workbench.apply(kepler())
    result = limited("keplers")("status", "-A")
    assert result.code == Exit.NO
    assert f"{workbench.namespace}/kepler" in result.out
    assert f"may not list keplers in all namespaces: only those of namespace '{workbench.namespace}' are" in result.err
    assert "you may not list keplercollectedmetrics: they are left out" in result.err
    assert "you may not list keplermachineconfigs: they are left out" in result.err


def test_the_doctor_says_what_may_not_be_listed(workbench: Workbench, limited: Callable[..., Terminal]) -> None:
    """Not that there is none."""
    workbench.apply(kepler())
    checks = limited("keplercollectedmetrics")("doctor", "-o", "json").data["checks"]
    (entry,) = [check for check in checks if check["area"] == "resources"]
    assert (entry["level"], entry["says"]) == ("warn", "you may not list keplers: whether they are Ready is unknown")


def test_the_doctor_says_that_other_namespaces_may_not_be_listed(
    workbench: Workbench, limited: Callable[..., Terminal]
) -> None:
    """What is there is looked at."""
    workbench.apply(kepler())
    checks = limited("keplers")("doctor", "-o", "json").data["checks"]
    first, second = [check["says"] for check in checks if check["area"] == "resources"]
    assert f"only those of namespace '{workbench.namespace}' are checked" in first
    assert second == f"Kepler {workbench.namespace}/kepler is not Ready"


@pytest.mark.parametrize("server_side", [(), ("--server-side",)])
def test_a_diff_needs_no_right_to_write(
    workbench: Workbench,
    terminal: Terminal,
    limited: Callable[..., Terminal],
    tmp_path: Path,
    server_side: tuple[str, ...],
) -> None:
    """It says what it lacks, and is the one that the administrator gets, whatever way the resource was applied in."""
    before, after = kepler(collector={"port": 9103, "log-level": 2}), kepler(collector={"port": 9104})
    workbench.stack.kubectl("apply", "-n", workbench.namespace, *server_side, "-f", "-", stdin=json.dumps(before))
    workbench.settle()
    (tmp_path / "kepler.yaml").write_text(json.dumps(after))
    arguments = ("diff", "-f", str(tmp_path / "kepler.yaml"), "-o", "json")
    full, part = terminal(*arguments), limited("keplers", "keplercollectedmetrics", "keplerexportedpowers")(*arguments)
    assert (part.code, part.data["objects"][0]["fields"]) == (Exit.NO, full.data["objects"][0]["fields"])
    assert (
        f"you may not patch Kepler {workbench.namespace}/kepler: the result is not validated by the API server"
        in part.err
    )


def printed(environment: dict[str, str], *arguments: Any) -> str:
    """What the plugin prints to a pipe."""
    done = subprocess.run(
        [PLUGIN, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    return done.stdout


def test_a_pipe_gets_every_column_and_the_whole_sentence(workbench: Workbench, tmp_path: Path) -> None:
    """However narrow the terminal is that it was typed in."""
    workbench.apply(kepler(collected_metric="mine"))
    workbench.settle()
    environment = {"COLUMNS": "40", "KUBECONFIG": str(workbench.stack.admin), "HOME": str(tmp_path)}
    lines = printed(environment, "status", "-n", workbench.namespace).splitlines()
    assert lines[0].split() == list(HEADINGS)
    assert "has no KeplerCollectedMetric of that name: create it" in lines[1]
