"""The line of Kepler's releases, changed back and forth against a real API server, as each function's own account."""

from typing import Any

import pytest
import yaml

from local.stack import Stack
from tests.kepler_config_rules import ProgramStart, violations
from tests.workbench import Workbench, create_namespace, kepler

CHILDREN = ("daemonset/kepler-exporter", "service/kepler-exporter", "serviceaccount/kepler")
V011 = {"release": "v0.11"}


def spec(workbench: Workbench) -> dict[str, Any]:
    """What the children want, without what differs between namespaces."""
    objects = {child: workbench.get(child) for child in CHILDREN}
    wanted = {child: manifest.get("spec") for child, manifest in objects.items()}
    template = wanted["daemonset/kepler-exporter"]["template"]
    template["metadata"]["annotations"] = sorted(template["metadata"]["annotations"])
    for field in ("clusterIP", "clusterIPs"):
        wanted["service/kepler-exporter"].pop(field, None)
    return wanted


def exists(workbench: Workbench, config_map: str) -> bool:
    """Whether there is a ConfigMap of this name."""
    return workbench.get(f"configmap/{config_map}") is not None


def change(workbench: Workbench, **collector: Any) -> None:
    """Change fields of `collector`, and let everything come to rest."""
    workbench.patch("kepler/kepler", {"spec": {"collector": collector}})
    workbench.settle()


@pytest.fixture
def fresh(control_plane: Stack, workbench: Workbench) -> Workbench:
    """Another namespace, in which each line is applied afresh."""
    namespace = f"{workbench.namespace}-fresh"
    create_namespace(control_plane, namespace)
    return Workbench(control_plane, namespace)


def test_a_kepler_of_the_new_line_gets_its_exporter(workbench: Workbench) -> None:
    """Its configuration in a ConfigMap of its own and in its pods, and nothing of the other line's."""
    workbench.apply(kepler(collector=V011))
    workbench.settle()

    written = workbench.get("configmap/kepler-config")["data"]["config.yaml"]
    template = workbench.get("daemonset/kepler-exporter")["spec"]["template"]
    assert violations(written, ProgramStart(template["spec"])) == []
    assert template["metadata"]["annotations"]["config.sustainable-computing.io/config.yaml"] == written
    assert template["spec"]["containers"][0]["securityContext"]["privileged"] is False
    assert not exists(workbench, "kepler-cfm")
    assert workbench.conditions()["Ready"]["reason"] == "RolloutInProgress"
    assert workbench.settle() == 0


def test_the_line_changed_back_and_forth_ends_as_a_fresh_apply(workbench: Workbench, fresh: Workbench) -> None:
    """Each change is one rollout, and leaves nothing of the other line."""
    workbench.apply(kepler())
    workbench.settle()
    before = spec(workbench)

    change(workbench, **V011)
    fresh.apply(kepler(collector=V011))
    fresh.settle()
    assert spec(workbench) == spec(fresh)
    assert workbench.get("daemonset/kepler-exporter")["metadata"]["generation"] == 2
    assert (exists(workbench, "kepler-cfm"), exists(workbench, "kepler-config")) == (False, True)

    change(workbench, release=None)
    assert spec(workbench) == before
    assert workbench.get("daemonset/kepler-exporter")["metadata"]["generation"] == 3
    assert (exists(workbench, "kepler-cfm"), exists(workbench, "kepler-config")) == (True, False)
    assert workbench.settle() == 0


def test_a_key_of_the_users_outlives_a_line_that_does_not_read_it(workbench: Workbench) -> None:
    """And has its effect again after the way back."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.patch("configmap/kepler-cfm", {"data": {"CPU_ARCH_OVERRIDE": "Skylake"}})
    workbench.settle()

    change(workbench, **V011)
    assert workbench.get("configmap/kepler-cfm")["data"]["CPU_ARCH_OVERRIDE"] == "Skylake"
    assert (
        "is kept because you added key 'CPU_ARCH_OVERRIDE'" in workbench.conditions()["CollectorReconciled"]["message"]
    )

    change(workbench, release=None)
    annotations = workbench.get("daemonset/kepler-exporter")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["config.sustainable-computing.io/CPU_ARCH_OVERRIDE"] == "Skylake"


def test_binary_data_of_the_users_outlives_it_too(workbench: Workbench) -> None:
    """It is theirs as well."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.patch("configmap/kepler-cfm", {"binaryData": {"mine.bin": "AAEC"}})
    change(workbench, **V011)
    assert workbench.get("configmap/kepler-cfm")["binaryData"] == {"mine.bin": "AAEC"}
    assert "added key 'mine.bin'" in workbench.conditions()["CollectorReconciled"]["message"]


def test_what_the_new_line_has_not_leaves_the_exporter_as_it_is(workbench: Workbench) -> None:
    """An edit is applied whole or not at all: with the estimator on, the line does not change."""
    workbench.apply(kepler(estimator_sidecar={"enabled": True}))
    workbench.settle()
    before = spec(workbench)

    change(workbench, **V011)
    assert spec(workbench) == before
    assert workbench.conditions()["Ready"]["reason"] == "NotInThisRelease"
    assert not exists(workbench, "kepler-config")


def test_a_configuration_changed_by_hand_is_put_back(workbench: Workbench) -> None:
    """It has one owner."""
    workbench.apply(kepler(collector=V011))
    workbench.settle()
    written = workbench.get("configmap/kepler-config")["data"]["config.yaml"]

    workbench.patch("configmap/kepler-config", {"data": {"config.yaml": "log: {level: debug}"}})
    workbench.settle()
    assert workbench.get("configmap/kepler-config")["data"]["config.yaml"] == written
    workbench.delete("configmap/kepler-config")
    workbench.settle()
    assert workbench.get("configmap/kepler-config")["data"]["config.yaml"] == written
    assert workbench.settle() == 0


def test_a_users_additions_reach_the_pods(workbench: Workbench) -> None:
    """A change of them is found when the Kepler is reconciled again; refused ones leave what runs."""
    additions = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "additions"}}
    workbench.apply({**additions, "data": {"config.yaml": "monitor: {staleness: 90ms}"}})
    workbench.apply(kepler(collector={**V011, "additional-config": "additions"}))
    workbench.settle()
    assert running(workbench)["monitor"]["staleness"] == "90ms"

    workbench.patch("configmap/additions", {"data": {"config.yaml": "monitor: {staleness: 70ms}"}})
    workbench.settle()
    assert running(workbench)["monitor"]["staleness"] == "70ms"

    workbench.patch("configmap/additions", {"data": {"config.yaml": "monitor: {staleness: 7}"}})
    workbench.settle()
    assert running(workbench)["monitor"]["staleness"] == "70ms"
    assert workbench.conditions()["Ready"]["reason"] == "ConfigurationInvalid"


def test_the_sample_of_the_line_works(workbench: Workbench) -> None:
    """Applied after the samples, as its own comment says."""
    workbench.apply_sample("v0.11")
    reported = workbench.conditions(workbench.namespace)
    assert {entry["status"] for name, entry in reported.items() if name.endswith("Reconciled")} == {"True"}
    assert running(workbench)["monitor"] == {
        "interval": "5s",
        "staleness": "500ms",
        "maxTerminated": 100,
        "minTerminatedEnergyThreshold": 10,
    }


def running(workbench: Workbench) -> Any:
    """The configuration in the pods' template."""
    annotations = workbench.get("daemonset/kepler-exporter")["spec"]["template"]["metadata"]["annotations"]
    return yaml.safe_load(annotations["config.sustainable-computing.io/config.yaml"])
