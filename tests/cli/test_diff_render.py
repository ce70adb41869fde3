"""`diff` and `render` against a real API server: who changes what, what is rendered, and files that cannot be used."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.command_errors import Exit
from local.layout import ROOT
from tests.cli.terminal import Terminal
from tests.workbench import Workbench, kepler

ON: dict[str, Any] = {"enabled": True}


def file(folder: Path, *objects: dict[str, Any]) -> str:
    """A file with these."""
    path = folder / "resources.yaml"
    path.write_text("\n---\n".join(json.dumps(entry) for entry in objects))
    return str(path)


def test_diff_says_who_changes_what(workbench: Workbench, terminal: Terminal, tmp_path: Path) -> None:
    """The user's own field, the functions' keys and pods, and the rollout; nothing is written."""
    workbench.apply(kepler())
    workbench.settle()
    before = workbench.get("daemonsets/kepler-exporter")

    result = terminal("diff", "-f", file(tmp_path, kepler(collector={"port": 9103})))

    assert result.code == Exit.NO
    assert f"Kepler {workbench.namespace}/kepler: changed by you\n  spec.collector.port: 9102 -> 9103\n" in result.out
    assert "  data.BIND_ADDRESS: :9102 -> :9103   [collector]" in result.out
    assert "kepler-exporter: changed by collector, its pods are replaced (rollout)" in result.out
    assert "    - -address=:9102\n    + -address=:9103\n" in result.out
    assert workbench.get("daemonsets/kepler-exporter") == before
    assert workbench.kepler()["metadata"]["generation"] == 1


def test_diff_says_that_another_line_has_other_metrics(
    workbench: Workbench, terminal: Terminal, tmp_path: Path
) -> None:
    """Before it is applied, and what goes on; nothing of the kind for another field."""
    workbench.apply(kepler())
    workbench.settle()
    result = terminal("diff", "-f", file(tmp_path, kepler(collector={"release": "v0.11"})))
    assert "changes from line 'v0.7' to 'v0.11' of Kepler: its metrics have other names" in result.err
    assert "The recording rules `kepler:pod_watts`" in result.err
    assert "ConfigMap" in result.out
    assert "metrics have other names" not in terminal("diff", "-f", file(tmp_path, kepler())).err


def test_diff_says_who_would_stop(workbench: Workbench, terminal: Terminal, tmp_path: Path) -> None:
    """With the message that the condition would have."""
    workbench.apply(kepler())
    workbench.settle()
    result = terminal("diff", "-f", file(tmp_path, kepler(collected_metric="mine", collector={"port": 9103})))
    assert "collected_metric rejects Kepler" in result.out
    assert "collector waits at Kepler" in result.out
    assert "DaemonSet" not in result.out


def test_diff_of_what_the_schema_refuses(workbench: Workbench, terminal: Terminal, tmp_path: Path) -> None:
    """The API server's own words, in one line, and more than 1."""
    result = terminal("diff", "-f", file(tmp_path, kepler(collector={"port": 0})))
    assert result.code == Exit.REFUSED
    assert "`port` must be from 1 to 65535" in result.err
    assert len(result.err.splitlines()) == 1
    unknown = terminal("diff", "-f", file(tmp_path, kepler(collector={"prot": 1})))
    assert (unknown.code, 'unknown field "spec.collector.prot"' in unknown.err) == (Exit.REFUSED, True)
    assert workbench.kepler() is None
    workbench.stack.kubectl("apply", "--server-side", "-n", workbench.namespace, "-f", "-", stdin=json.dumps(kepler()))
    server_side = terminal("diff", "-f", file(tmp_path, kepler(collector={"prot": 1})))
    assert (server_side.code, "field not declared in schema" in server_side.err) == (Exit.REFUSED, True)


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        ("kind: Pod\nmetadata: {name: x}", Exit.REFUSED, "no resource of ours in"),
        ("a: [", Exit.REFUSED, "is no YAML"),
        ("", Exit.REFUSED, "no resource of ours"),
        (json.dumps(kepler("../x")), Exit.REFUSED, "`metadata.name` of a Kepler is '../x'"),
        (json.dumps({**kepler(), "metadata": {"name": "x", "namespace": "other"}}), Exit.USAGE, "and --namespace says"),
    ],
)
def test_files_that_cannot_be_used(terminal: Terminal, tmp_path: Path, content: str, code: Exit, says: str) -> None:
    """Which, and what to write."""
    path = tmp_path / "x.yaml"
    path.write_text(content)
    result = terminal("diff", "-f", str(path))
    assert result.code == code
    assert says in result.err


def test_a_file_that_is_not_there(terminal: Terminal) -> None:
    """A wrong command line."""
    result = terminal("diff", "-f", "nowhere.yaml")
    assert (result.code, "there is no file 'nowhere.yaml'" in result.err) == (Exit.USAGE, True)


def test_others_in_a_file_are_left_to_kubectl(workbench: Workbench, terminal: Terminal, tmp_path: Path) -> None:
    """And said so."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    result = terminal("diff", "-f", file(tmp_path, kepler(), config))
    assert "not ours, and left to `kubectl diff`: ConfigMap 'x'" in result.err
    assert f"Kepler {workbench.namespace}/kepler: created" in result.out


def test_a_namespace_in_the_same_file(terminal: Terminal, tmp_path: Path) -> None:
    """It need not be there yet; one that nobody makes has to be."""
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "not-yet", "labels": labels}}
    there = {**kepler(), "metadata": {"name": "kepler", "namespace": "not-yet"}}
    anywhere = terminal.flags[:2]
    result = terminal("diff", "-f", file(tmp_path, made, there), flags=anywhere)
    assert (result.code, "DaemonSet not-yet/kepler-exporter: created" in result.out) == (Exit.NO, True)
    missing = terminal("diff", "-f", file(tmp_path, there), flags=anywhere)
    assert (missing.code, 'namespaces "not-yet" not found' in missing.err) == (Exit.MISSING, True)


def test_render_for_a_cluster(workbench: Workbench, terminal: Terminal, tmp_path: Path) -> None:
    """What is there is in it, keys of the user's included; the owner is the one that is there."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.patch("configmaps/kepler-cfm", {"data": {"MINE": "1"}})
    result = terminal("render", "-f", file(tmp_path, kepler(estimator_sidecar=ON)))
    objects = {entry["kind"]: entry for entry in yaml.safe_load_all(result.out)}
    assert result.code == Exit.OK
    assert objects["ConfigMap"]["data"]["MINE"] == "1"
    assert objects["DaemonSet"]["spec"]["template"]["spec"]["initContainers"][0]["name"] == "estimator"
    uid = workbench.kepler()["metadata"]["uid"]
    assert [owner_reference["uid"] for owner_reference in objects["DaemonSet"]["metadata"]["ownerReferences"]] == [uid]
    assert not {"status", "managedFields"} & {*objects["DaemonSet"], *objects["DaemonSet"]["metadata"]}


def test_what_is_rendered_can_be_applied(workbench: Workbench, terminal: Terminal, tmp_path: Path) -> None:
    """By the API server's own judgement: each of the objects, as it is printed."""
    power = {**kepler("power", levels=["node", "pod"]), "kind": "KeplerExportedPower"}
    wanted = kepler(estimator_sidecar=ON, model_server={**ON, "storage": {"type": "claim"}}, exported_power="power")
    result = terminal("render", "--offline", "--no-prometheus-operator", "-f", file(tmp_path, wanted, power))
    arguments = ("--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
    applied = workbench.stack.kubectl("-n", workbench.namespace, "apply", *arguments, stdin=result.out)
    assert (result.code, len(applied.splitlines())) == (Exit.OK, 9)


def test_render_without_a_cluster(alone: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked: not even a kubeconfig is read."""
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    samples = ROOT / "config/samples"
    result = alone("render", "--offline", "-f", str(samples), "-f", str(samples / "models"), "-o", "json")
    kinds = {item["kind"] for item in result.data["items"]}
    assert {"DaemonSet", "ServiceMonitor", "ConfigMap", "ClusterRoleBinding"} <= kinds
    assert "ownerReferences" not in result.out
    assert "is in the files more than once: the last one counts" in result.err


def test_somebody_of_one_namespace(workbench: Workbench, terminal: Terminal, tmp_path: Path) -> None:
    """For an object that the user may not read, `diff` assumes that of an unmodified installation, and says so."""
    stack, place = workbench.stack, workbench.namespace
    workbench.apply(kepler())
    workbench.settle()
    stack.kubectl("-n", place, "create", "serviceaccount", "user")
    rule = ("--verb=get,list,patch", "--resource=keplers.sustainable-computing.io,configmaps,daemonsets.apps,services")
    stack.kubectl("-n", place, "create", "role", "user", *rule)
    stack.kubectl("-n", place, "create", "rolebinding", "user", "--role=user", f"--serviceaccount={place}:user")
    flags = ("--kubeconfig", str(stack.kubeconfig_for(place, "user")), "-n", place)

    result = terminal("diff", "-f", file(tmp_path, kepler(collector={"port": 9103})), flags=flags)

    assert result.code == Exit.NO
    assert "data.BIND_ADDRESS: :9102 -> :9103" in result.out
    assert "you may not read ClusterRoleBinding kepler-exporter: the result assumes" in result.err
