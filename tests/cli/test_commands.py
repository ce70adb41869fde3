"""Commands against a real API server: what they print, how they end, and what they say when something is wrong."""

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from cli.command_errors import Exit
from cli.commands.dead_letters_command import LONGEST_ANSWER
from local.layout import ROOT
from runtime.settings import NAMESPACE
from tests.cli.terminal import Terminal
from tests.dead_letter_samples import given_up, store
from tests.workbench import Workbench, kepler


def test_status_of_nothing(terminal: Terminal) -> None:
    """It is said on standard error, and nothing is wrong."""
    result = terminal("status")
    assert (result.code, result.out) == (Exit.OK, "")
    assert "no Kepler resources in namespace 'test-" in result.err


def test_status_at_a_glance(workbench: Workbench, terminal: Terminal) -> None:
    """What is not Ready, and why; what companions are for; in plain lines, since nobody looks at a terminal here."""
    workbench.apply(kepler(collected_metric="sources"))
    workbench.apply({**kepler("sources"), "kind": "KeplerCollectedMetric"})
    workbench.apply({**kepler("unused"), "kind": "KeplerExportedPower"})
    workbench.settle()

    result = terminal("status")

    assert result.code == Exit.NO  # no controller makes pods here
    heading, *rows = result.out.splitlines()
    assert heading.split() == ["KIND", "NAME", "READY", "REASON", "NODES", "GEN", "AGE", "WHY"]
    assert [row.split()[0] for row in rows] == ["Kepler", "KeplerCollectedMetric", "KeplerExportedPower"]
    assert rows[0].split()[3] == "RolloutInProgress"
    assert "the rollout has not begun" in rows[0]
    assert "read by Kepler kepler" in rows[1]
    assert "no Kepler names it in `exported-power`: it has no effect" in rows[2]
    assert "\x1b" not in result.out
    assert not any(line.endswith(" ") for line in result.out.splitlines())


def test_status_for_programs(workbench: Workbench, terminal: Terminal) -> None:
    """JSON and YAML say the same; `-A` looks everywhere."""
    workbench.apply(kepler())
    data = terminal("status", "-o", "json").data
    assert data["ready"] is False
    (entry,) = data["resources"]
    assert (entry["kind"], entry["name"], entry["ready"], entry["current"]) == ("Kepler", "kepler", "Unknown", False)
    assert yaml.safe_load(terminal("status", "-o", "yaml").out) == data
    everywhere = terminal("status", "-A", "-o", "json").data["resources"]
    assert entry | {"namespace": workbench.namespace} in everywhere


def test_explain_what_is_rejected(workbench: Workbench, terminal: Terminal) -> None:
    """By whom and why; the name may be left out where there is one."""
    workbench.apply(kepler(collected_metric="mine"))
    workbench.settle()
    result = terminal("explain")
    assert result.code == Exit.NO
    assert result.out.startswith(f"Kepler {workbench.namespace}/kepler is not Ready: collected_metric rejects it: ")
    assert "has no KeplerCollectedMetric of that name: create it" in result.out
    assert terminal("explain", "kepler", "-o", "json").data["ready"] is False
    assert terminal("explain", "kpl/kepler").out == result.out


def test_explain_what_nobody_looks_at(workbench: Workbench, terminal: Terminal) -> None:
    """Without Knative no event reaches anybody, and that is the answer."""
    workbench.apply(kepler())
    result = terminal("explain")
    assert "Knative Eventing is not installed: no event reaches any function" in result.out
    assert "kubectl kepler doctor" in result.out


def test_explain_machines(workbench: Workbench, terminal: Terminal) -> None:
    """For the whole cluster; what companions say is said with the Kepler."""
    machines = {**kepler("explained", kernel_devel=True), "kind": "KeplerMachineConfig"}
    workbench.stack.kubectl("apply", "-f", "-", stdin=json.dumps(machines))
    try:
        assert "machine_config has not reported on generation 1" in terminal("explain", "kmc/explained").out
        workbench.settle_machine("explained")
        result = terminal("explain", "kmc/explained")
    finally:
        workbench.stack.kubectl("delete", "kmc/explained")
    assert (result.code, "KeplerMachineConfig explained is Ready since" in result.out) == (Exit.OK, True)
    companion = terminal("explain", "kcm/x")
    assert (companion.code, "explain the Kepler that names it" in companion.err) == (Exit.USAGE, True)


def test_which_one(workbench: Workbench, terminal: Terminal) -> None:
    """None, several, another kind, no kind."""
    assert (terminal("explain").code, terminal("explain", "kepler").code) == (Exit.MISSING, Exit.MISSING)
    workbench.apply(kepler("one"))
    workbench.apply(kepler("two"))
    several = terminal("explain")
    assert (several.code, "has several Keplers (one, two): name one" in several.err) == (Exit.USAGE, True)
    assert terminal("explain", "pods/x").code == Exit.USAGE


def test_dead_letters(workbench: Workbench, terminal: Terminal) -> None:
    """Listed, shown without what is told in confidence, and not found."""
    stack = workbench.stack
    refused = " ".join(["refused"] * LONGEST_ANSWER)
    event = given_up(
        namespace=workbench.namespace,
        id=workbench.namespace,
        data={"password": "hunter2"},
        knativeerrordata=base64.b64encode(refused.encode()).decode(),
    )
    store(stack)(event)

    data = terminal("dead-letters", "-o", "json").data
    (letter,) = [entry for entry in data if entry["event"]["id"] == workbench.namespace]
    assert (letter["code"], letter["event"]["object"]["name"]) == ("400", "kepler")
    (line,) = [line for line in terminal("dead-letters").out.splitlines() if line.startswith(letter["name"])]
    assert line.endswith(f"400: {refused}")
    shown = terminal("dead-letters", "show", letter["name"])
    assert f"about:    Kepler {workbench.namespace}/kepler" in shown.out
    assert "hunter2" not in shown.out
    assert terminal("dead-letters", "show", "dead-letter-x").code == Exit.MISSING
    assert terminal("dead-letters", "show", "kube-root-ca.crt").code == Exit.MISSING
    assert terminal("dead-letters", "replay").code == Exit.USAGE
    nowhere = terminal("dead-letters", "replay", letter["name"])
    assert (nowhere.code, "there is no Broker 'default'" in nowhere.err) == (Exit.MISSING, True)


def test_letters_that_nobody_can_use_are_thrown_away(workbench: Workbench, terminal: Terminal) -> None:
    """Also one that somebody has changed; by name or all, and nothing else that lies there."""
    keep = store(workbench.stack)
    for number in range(3):
        keep(given_up(namespace=workbench.namespace, id=f"{workbench.namespace}-{number}"))
    first, second, third = (letter["name"] for letter in terminal("dead-letters", "-o", "json").data[:3])
    emptied = '{"data": null, "metadata": {"annotations": null}}'
    workbench.stack.kubectl("-n", NAMESPACE, "patch", f"configmap/{first}", "--type=merge", "-p", emptied)

    assert "has been changed and is no dead letter" in terminal("dead-letters", "replay", first).err
    assert terminal("dead-letters", "discard").code == Exit.USAGE
    assert terminal("dead-letters", "discard", "kube-root-ca.crt").code == Exit.MISSING
    assert terminal("dead-letters", "discard", first, second).out == "2 letters discarded\n"
    assert terminal("dead-letters", "show", second).code == Exit.MISSING
    assert third in terminal("dead-letters").out
    assert terminal("dead-letters", "discard", "--all").out.endswith("discarded\n")
    assert terminal("dead-letters", "-o", "json").data == []
    assert terminal("dead-letters", "discard", "--all").out == "no dead letters\n"


def test_doctor_finds_what_a_bare_cluster_lacks(workbench: Workbench, terminal: Terminal) -> None:
    """Definitions and permissions are as generated; there is no Knative, and that fails."""
    workbench.apply(kepler())
    result = terminal("doctor", "-o", "json")
    levels = {check["area"]: check["level"] for check in result.data["checks"]}
    assert result.code == Exit.NO
    assert (levels["definitions"], levels["events"]) == ("ok", "fail")
    permissions = [check for check in result.data["checks"] if check["area"] == "permissions"]
    assert not [permission for permission in permissions if permission["level"] == "fail"], permissions
    assert "the cluster has no Knative Eventing" in terminal("doctor").out


def test_somebody_who_may_nothing(workbench: Workbench, terminal: Terminal) -> None:
    """5, in one line that names the permission; completion stays silent."""
    stack = workbench.stack
    stack.kubectl("-n", workbench.namespace, "create", "serviceaccount", "nobody")
    flags = ("--kubeconfig", str(stack.kubeconfig_for(workbench.namespace, "nobody")), "-n", workbench.namespace)
    result = terminal("status", flags=flags)
    assert result.code == Exit.DENIED
    assert 'cannot list resource "keplers"' in result.err
    assert len(result.err.splitlines()) == 1


def test_a_cluster_that_does_not_answer(alone: Terminal, tmp_path: Path) -> None:
    """3, with what to do."""
    config = {
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(config))
    result = alone("status", "--kubeconfig", str(path))
    assert result.code == Exit.UNREACHABLE
    assert result.err.startswith("error: the API server at https://127.0.0.1:1 does not answer: start it, or choose")
    result = alone("status", "--kubeconfig", str(path), "--context", "nope")
    assert (result.code, "has no usable context 'nope'" in result.err) == (Exit.UNREACHABLE, True)


def test_somebody_whom_nobody_knows(workbench: Workbench, terminal: Terminal, tmp_path: Path) -> None:
    """An expired token is told from a cluster that is away."""
    config = yaml.safe_load(workbench.stack.admin.read_text())
    config["users"][0]["user"]["token"] = "expired"
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(config))
    result = terminal("status", flags=("--kubeconfig", str(path)))
    assert (result.code, "does not know you: log in again" in result.err) == (Exit.DENIED, True)


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("diff",), ("status", "--nope"), ("status", "-o", "xml")])
def test_a_wrong_command_line(alone: Terminal, arguments: tuple[str, ...]) -> None:
    """2, on standard error."""
    result = alone(*arguments)
    assert (result.code, result.out) == (Exit.USAGE, "")
    assert "Traceback" not in result.err


def test_a_defect_is_one_line(alone: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traceback is for whoever asks for it."""
    monkeypatch.setattr("cli.options.connect", lambda *_: 1 / 0)
    result = alone("status")
    assert result.code == Exit.DEFECT
    assert len(result.err.splitlines()) == 1
    monkeypatch.setenv("KEPLER_DEBUG", "1")
    assert "Traceback" in alone("status").err


def test_kubectl_finds_the_plugin(workbench: Workbench, tmp_path: Path) -> None:
    """`kubectl kepler`, by the real kubectl; and its completion, by the script that we print."""
    workbench.apply(kepler("found-by-completion"))
    programs = (tmp_path, ROOT / ".venv/bin", Path(workbench.stack.layout.program("kubectl")).parent)
    path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
    environment = {**os.environ, "KUBECONFIG": str(workbench.stack.admin), "PATH": path}

    def kubectl(*arguments: str) -> str:
        done = subprocess.run(
            ["kubectl", *arguments], env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout

    assert "Kepler on Knative from the terminal" in kubectl("kepler", "--help")
    script = tmp_path / "kubectl_complete-kepler"
    script.write_text(kubectl("kepler", "completion"))
    script.chmod(0o755)
    assert kubectl("__complete", "kepler", "sta").splitlines()[0] == "status"
    named = kubectl("__complete", "kepler", "explain", "-n", workbench.namespace, "found")
    assert named.splitlines()[0] == "found-by-completion"
