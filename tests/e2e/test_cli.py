"""`kubectl kepler` by the real kubectl against the running stack: what happened, what is asked for, what is kept."""

import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from local.layout import ROOT
from tests.e2e.stack_namespace import StackNamespace
from tests.e2e.test_delivery import send
from tests.workbench import kepler

PORT = {"spec": {"collector": {"port": 9103}}}


class Plugin:
    """A user's shell: kubectl and the plugin on its PATH, the stack's kubeconfig, one namespace."""

    def __init__(self, cluster: StackNamespace) -> None:
        self.cluster = cluster
        folders = (ROOT / ".venv/bin", Path(cluster.stack.layout.program("kubectl")).parent)
        path = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
        self.environment = {**os.environ, "PATH": path, "KUBECONFIG": str(cluster.stack.admin)}

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """`kubectl kepler ...`, however it ends."""
        command = ["kubectl", "kepler", *arguments, "-n", self.cluster.namespace]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=100)

    def __call__(self, *arguments: str) -> str:
        """What it printed; it must end well."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def data(self, *arguments: str) -> Any:
        """The same, as JSON."""
        return json.loads(self(*arguments, "-o", "json"))


@pytest.fixture
def plugin(cluster: StackNamespace) -> Plugin:
    """In a fresh namespace."""
    return Plugin(cluster)


@pytest.fixture
def edited(cluster: StackNamespace, plugin: Plugin) -> Plugin:
    """With a Kepler whose port was changed, and every report about that kept."""
    cluster.apply(kepler())
    cluster.await_ready()
    cluster.patch("keplers/kepler", PORT)
    cluster.await_ready()
    names = {"collected_metric", "exported_power", "estimator", "model_server", "monitoring", "status"}
    wanted = {*((function, "") for function in names), ("collector", "DaemonSet")}
    cluster.eventually(lambda: wanted <= did(newest(plugin)), lambda: newest(plugin))
    return plugin


def newest(plugin: Plugin) -> Any:
    """The newest generation, with its edit and what was done about it."""
    answer = plugin.data("history")
    return answer[0] if answer and answer[0]["generation"] == 2 else {"reports": []}


def did(change: Any) -> set[tuple[str, str]]:
    """Each function that has reported on a generation, and with it each kind of object that it wrote."""
    reports = change["reports"]
    wrote = {(report["function"], entry["object"]["kind"]) for report in reports for entry in report["changes"]}
    return wrote | {(report["function"], "") for report in reports}


def awaited(plugin: Plugin) -> set[str]:
    """The functions that the end of the newest trace waited for; that end comes a moment after `Ready`."""
    text = plugin("trace")
    return {line.split()[1] for line in text.splitlines() if line.startswith("* ") and "=" in line}


def test_a_glance_and_an_explanation(edited: Plugin) -> None:
    """Ready, since when, and what runs."""
    assert "Kepler   " + edited.cluster.namespace in edited("status")
    assert "the exporter is ready on all 4 nodes" in edited("status")
    text = edited("explain")
    assert f"Kepler {edited.cluster.namespace}/kepler is Ready since " in text
    assert "on port 9103; 4 of 4 nodes have the present configuration, 4 serve" in text


def test_who_changed_what_and_what_came_of_it(edited: Plugin) -> None:
    """The edit with its field and its author, and each function's part."""
    change = newest(edited)
    assert [(field["path"], field["before"], field["after"]) for field in change["edit"]["fields"]] == [
        ("collector.port", 9102, 9103)
    ]
    text = edited("history")
    assert f"generation 2 of Kepler {edited.cluster.namespace}/kepler, edited by kubectl-patch" in text
    assert "collector.port: 9102 -> 9103" in text
    assert "collector converged: ConfigMap kepler-cfm changed" in text


def test_what_changed_in_the_daemon_set_and_why(edited: Plugin) -> None:
    """By which function, and because of which edit of which resource by whom."""
    text = edited("history", "--target", "daemonset/kepler-exporter", "--since", "1h")
    assert f"DaemonSet {edited.cluster.namespace}/kepler-exporter changed by collector" in text
    assert "-address=:9103" in text
    assert f"edit: generation 2 of Kepler {edited.cluster.namespace}/kepler, edited by kubectl-patch" in text
    assert not edited("history", "--target", "daemonset/kepler-exporter", "--since", "1s").strip()


def test_a_daemon_set_that_was_deleted_has_no_edit_as_its_cause(edited: Plugin) -> None:
    """It was created again because it was deleted, which nobody edited."""
    command = ("history", "--target", "ds/kepler-exporter")
    edited.cluster.kubectl("delete", "daemonset/kepler-exporter")

    def newest_write() -> Any:
        return edited.data(*command)[0]

    edited.cluster.eventually(lambda: newest_write()["cause"]["type"].endswith("delete"), newest_write)
    assert (newest_write()["action"], newest_write()["edit"]) == ("created", None)
    text = edited(*command).split("\n\n")[0]
    assert f"because DaemonSet {edited.cluster.namespace}/kepler-exporter was deleted" in text
    assert "edit" not in text


def test_what_never_existed_is_missing_and_not_deleted(edited: Plugin) -> None:
    """By a name that nobody ever used, of a resource and of an object."""
    for arguments in (("never",), ("--target", "ds/never")):
        done = edited.run("history", *arguments)
        assert (done.returncode, done.stdout, "it never existed" in done.stderr) == (4, "", True)
    unknown = edited.run("history", "--target", "pods/never")
    assert (unknown.returncode, "DaemonSet (ds)" in unknown.stderr) == (2, True)


def test_the_waterfall(edited: Plugin) -> None:
    """Every function in a line; what the end waited for is marked; calls on request; by its own id as well."""
    edited.cluster.eventually(lambda: {"collector", "status"} <= awaited(edited), lambda: edited("trace"))
    text = edited("trace", "--calls")
    assert f"generation 2 of Kepler {edited.cluster.namespace}/kepler" in text
    assert "PATCH daemonsets/kepler-exporter" in text
    identity = text.split()[1].rstrip(":")
    assert edited("trace", "--id", identity).splitlines()[0] == text.splitlines()[0]
    assert edited.data("trace", "--generation", "1")["generation"] == 1


def test_nothing_differs_until_something_is_changed(edited: Plugin, tmp_path: Path) -> None:
    """`diff` against the running stack, before and after an apply."""
    file = tmp_path / "kepler.yaml"
    file.write_text(json.dumps(kepler(collector={"port": 9104})))
    before = edited.run("diff", "-f", str(file))
    assert (before.returncode, "its pods are replaced (rollout)" in before.stdout) == (1, True)
    edited.cluster.apply(kepler(collector={"port": 9104}))
    edited.cluster.await_ready()
    assert edited("diff", "-f", str(file)) == ""


def test_a_resync_brings_back_what_nobody_saw_go(edited: Plugin) -> None:
    """While the event source is away, nobody tells the functions; the user does."""
    cluster = edited.cluster
    adapter = next(name for name in cluster.stack.processes if "adapter" in name)
    cluster.stack.kill(adapter)
    try:
        cluster.kubectl("delete", "service/kepler-exporter")
        assert "resync requested" in edited("resync", "--wait")
        cluster.eventually(lambda: cluster.get("service/kepler-exporter"))
    finally:
        cluster.stack.restart(adapter)


@pytest.mark.usefixtures("apart")
def test_a_dead_letter_is_listed_shown_and_sent_again(plugin: Plugin) -> None:
    """The function that it is for is still away, so it comes back under the same name, and is counted."""
    cluster = plugin.cluster
    cluster.stack.kill("kepler-machine-spec")
    try:
        identity = send(cluster, functions="/machine_spec/")

        def mine() -> list[Any]:
            return [letter for letter in plugin.data("dead-letters") if letter["event"]["id"] == identity]

        cluster.eventually(mine)
        letter = mine()[0]
        shown = plugin("dead-letters", "show", letter["name"])
        assert (letter["count"], "connection refused" in shown) == (1, True)
        assert "1 letter to be sent again" in plugin("dead-letters", "replay", letter["name"])
        cluster.eventually(lambda: [entry for entry in mine() if entry["time"] > letter["time"]], mine)
    finally:
        cluster.stack.restart("kepler-machine-spec")
    assert "1 letter to be sent again" in plugin("dead-letters", "replay", letter["name"])
    cluster.eventually(lambda: not mine(), mine)


def test_the_doctor_is_content(edited: Plugin) -> None:
    """Nothing fails on the stack as it is; and it says that functions are processes here."""
    edited.cluster.kubectl(
        "label", "namespace", edited.cluster.namespace, "pod-security.kubernetes.io/enforce=privileged"
    )
    result = edited.run("doctor", "-o", "json")
    checks = json.loads(result.stdout)["checks"]
    assert not [check for check in checks if check["level"] == "fail"], checks
    areas = {check["area"]: check["says"] for check in checks}
    assert "answer as processes of this machine, without Knative Serving" in areas["functions"]
    assert "ago, over" in areas["sweep"]


def test_the_doctor_finds_a_function_that_has_ended(edited: Plugin) -> None:
    """And what to do."""
    name = edited.cluster.serving("kepler-estimator")
    edited.cluster.stack.kill(name)
    try:
        result = edited.run("doctor")
    finally:
        edited.cluster.stack.restart(name)
    assert result.returncode == 1
    assert f"where '{name}' should be" in result.stdout


def test_a_bundle_with_reports_and_without_secrets(plugin: Plugin, tmp_path: Path) -> None:
    """The account of what was done is in it, and a password that was in the spec is nowhere."""
    cluster, planted = plugin.cluster, "pl4nted-s3cret"
    cluster.apply(kepler(collector={"env": [{"name": "LIBVIRT_METADATA_TOKEN", "value": planted}]}))
    cluster.await_ready()
    cluster.eventually(lambda: ("collector", "") in set().union(*map(did, plugin.data("history"))))
    path = tmp_path / "bundle.tar.gz"
    plugin("support-bundle", "-o", str(path))
    with tarfile.open(path) as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        content = {name: opened.read().decode() for name, opened in files.items() if opened}
    root = f"kepler-support/reports/traces/{cluster.namespace}-kepler-1.json"
    assert "collector" in content[root]
    assert not [name for name, text in content.items() if planted in text]


def test_what_the_query_api_cannot_be_asked(plugin: Plugin) -> None:
    """Where it does not answer, and where nothing is kept: one line, and an exit code that says which."""
    away = plugin.run("history", "kepler", "--console", "http://127.0.0.1:1")
    assert (away.returncode, len(away.stderr.splitlines())) == (3, 1)
    unknown = plugin.run("trace", "nobody")
    assert (unknown.returncode, "nothing is stored about Kepler" in unknown.stderr) == (4, True)


CLAIMED = kepler(
    estimator_sidecar={"enabled": True},
    model_server={"enabled": True, "storage": {"type": "claim", "claim": {"storage-class": "standard"}}},
)


def test_what_controllers_write_is_no_field_of_others(cluster: StackNamespace, plugin: Plugin) -> None:
    """Of a Kepler with everything, whose objects every controller of the cluster has seen and a user has restarted."""
    cluster.apply(CLAIMED)
    server = "deployments.apps/kepler-model-server"
    cluster.eventually(lambda: (cluster.get(server) or {"status": {}})["status"].get("replicas"))
    cluster.eventually(lambda: cluster.get("daemonset/kepler-exporter"))
    cluster.kubectl("rollout", "restart", "daemonset/kepler-exporter")
    cluster.eventually(lambda: "its pods were restarted by kubectl-rollout" in plugin.run("explain").stdout)
    stdout = plugin.run("explain", "-o", "json").stdout
    assert "no function sets this field" not in stdout
    assert [value for value in json.loads(stdout)["because"] if "restarted by" in value]


def test_a_fight_with_a_tool_that_sets_a_field_again_and_again(edited: Plugin) -> None:
    """Each time the function puts it back; then `explain` says which field, how often, and what to do.

    Who changes it is told where no controller was quicker: `tests/protocol/test_fights_applied.py`.
    """
    cluster = edited.cluster
    body = json.dumps({"spec": {"template": {"spec": {"serviceAccountName": "default"}}}})
    for _ in range(4):
        cluster.kubectl("patch", "daemonset/kepler-exporter", "-p", body, "--field-manager=gitops")
        cluster.eventually(lambda: service_account(cluster) == "kepler")
    fought = "collector put `spec.template.spec.serviceAccountName` back "
    cluster.eventually(lambda: fought in edited.run("explain").stdout, lambda: edited.run("explain").stdout)
    stdout = edited.run("explain", "ds/kepler-exporter").stdout
    assert fought in stdout
    assert "stop whatever changes it" in stdout


def service_account(cluster: StackNamespace) -> str:
    """The account of the exporter's pods."""
    template = cluster.get("daemonsets.apps/kepler-exporter")["spec"]["template"]
    return str(template["spec"]["serviceAccountName"])
