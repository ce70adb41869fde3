"""The exporter of Kepler v0.11: its pod, its line, and what that line has not."""

from typing import Any

import pytest

from crds.collector_fields import Collector, ReleaseLine
from functions import collected_metric, collector, estimator, exported_power, model_server, monitoring
from operands import children, kepler_v07, release
from runtime.declaration import Observed
from runtime.objects import PROMETHEUS_RULE, SERVICE_MONITOR, Ref
from runtime.outcome import Outcome
from tests.pure.test_exporter import KEY, config, decide, intent, observed, parent
from tests.pure.test_kepler_config import Around
from tests.pure.test_kepler_config import decide as decide_v011

KEPLERS = "quay.io/sustainable_computing_io/kepler"
NEW = {"release": "v0.11"}


def pod(**fields: Any) -> Any:
    """The pod of an exporter of line v0.11 with these fields of `collector`."""
    return intent(decide_v011(**fields), children.daemon_set)["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "v0.7"),
        ({"release": "v0.11"}, "v0.11"),
        ({"image": f"{KEPLERS}:v0.11.4"}, "v0.11"),
        ({"image": f"{KEPLERS}:v0.10.0"}, "v0.11"),
        ({"image": f"{KEPLERS}:release-0.7.12"}, "v0.7"),
        ({"image": f"{KEPLERS}:latest"}, "v0.7"),
        ({"image": f"{KEPLERS}:latest", "release": "v0.11"}, "v0.11"),
    ],
)
def test_the_line_is_named_or_told_by_the_tag(fields: dict[str, str], expected: str) -> None:
    """A tag that tells nothing is of the line that the working document describes."""
    assert release.line(Collector.model_validate(fields)) == ReleaseLine(expected)


@pytest.mark.parametrize(("line", "image"), [("v0.7", kepler_v07.IMAGE), ("v0.11", kepler_v07.IMAGE_V011)])
def test_the_line_has_an_image(line: str, image: str) -> None:
    """Its own default, and a setting of its own for whoever mirrors images."""
    kepler = parent(release=line)
    outcome = collector.desired(observed(kepler, config(kepler)))
    (container,) = intent(outcome, children.daemon_set)["spec"]["template"]["spec"]["containers"]
    assert container["image"] == image
    fields = Collector.model_validate({"release": line})
    assert release.image(fields, {release.SETTINGS[ReleaseLine(line)]: "mirror/kepler:x"}) == "mirror/kepler:x"


@pytest.mark.parametrize(
    ("line", "tag", "says"),
    [
        ("v0.7", "v0.11.4", "set `collector.release` to 'v0.11'"),
        ("v0.11", "release-0.7.12", "set `collector.release` to 'v0.7'"),
        ("v0.11", "v0.9.0", "is a preview: name a release of v0.10 or later"),
        ("v0.11", "v0.0.10", "is a preview"),
        (None, "v0.9.0", "is a preview"),
    ],
)
def test_a_tag_that_contradicts_the_line_is_refused(line: str | None, tag: str, says: str) -> None:
    """What runs is left as it is."""
    kepler = parent(image=f"{KEPLERS}:{tag}", **({"release": line} if line else {}))
    outcome = collector.desired(observed(kepler, config(kepler)))
    assert (outcome.word, outcome.reason, outcome.intents) == ("rejected", "ImageNotSupported", ())
    assert says in outcome.message


def test_the_pod_has_one_capability_and_reads_the_host() -> None:
    """Not privileged, root for RAPL's counters, nothing writable; the token is the exporter's alone."""
    body = pod()
    (container,) = body["containers"]
    assert container["securityContext"] == {
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsUser": 0,
        "capabilities": {"drop": ["ALL"], "add": ["SYS_PTRACE"]},
    }
    assert body["hostPID"] is True
    assert {mount["mountPath"]: mount["readOnly"] for mount in container["volumeMounts"]} == {
        "/host/sys": True,
        "/host/proc": True,
        "/etc/kepler": True,
        "/var/run/secrets/kubernetes.io/serviceaccount": True,
        "/run/nvidia/driver": True,
    }
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in body["volumes"]}
    assert container["args"] == [
        "--config.file=/etc/kepler/config.yaml",
        "--kube.enable",
        "--kube.node-name=$(NODE_NAME)",
    ]


def test_the_pod_reads_what_the_config_map_says() -> None:
    """A copy in its template: no pod starts with the ConfigMap's last version, and a change of it replaces the pods."""
    outcome = decide_v011()
    template = intent(outcome, children.daemon_set)["spec"]["template"]
    annotations = template["metadata"]["annotations"]
    written = intent(outcome, children.kepler_config)["data"]["config.yaml"]
    assert annotations["config.sustainable-computing.io/config.yaml"] == written
    (volume,) = [volume for volume in template["spec"]["volumes"] if volume["name"] == "settled"]
    assert volume["downwardAPI"]["items"] == [
        {
            "path": "config.yaml",
            "fieldRef": {
                "apiVersion": "v1",
                "fieldPath": "metadata.annotations['config.sustainable-computing.io/config.yaml']",
            },
        }
    ]
    again = intent(decide_v011(log_level=9), children.daemon_set)["spec"]["template"]["metadata"]["annotations"]
    assert again[children.CONFIG_HASH] != annotations[children.CONFIG_HASH]


def test_probes_ask_for_the_page_that_costs_nothing() -> None:
    """`/metrics` would measure anew; there is no `/healthz`. Behind a password, listening is enough."""
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    (plain,), (secured,) = pod()["containers"], pod(web_config={"secret": "tls"})["containers"]
    assert [plain[probe]["httpGet"] for probe in probes] == [{"path": "/", "port": "http"}] * 3
    assert [secured[probe]["tcpSocket"] for probe in probes] == [{"port": "http"}] * 3


def test_gpus_need_the_drivers_libraries() -> None:
    """Only where their energy is measured."""
    outcome = decide_v011(Around(sources={"gpu": {"enabled": False}}))
    body = intent(outcome, children.daemon_set)["spec"]["template"]["spec"]
    assert "nvidia-driver" not in {volume["name"] for volume in body["volumes"]}
    assert [variable["name"] for variable in body["containers"][0]["env"]] == ["NODE_NAME"]
    assert {"name": "LD_LIBRARY_PATH", "value": "/run/nvidia/driver/usr/lib64"} in pod()["containers"][0]["env"]


def test_only_the_files_of_a_web_configuration_are_mounted() -> None:
    """Other keys of the Secret do not reach the pod."""
    (volume,) = [volume for volume in pod(web_config={"secret": "tls"})["volumes"] if volume["name"] == "web-config"]
    files = ["web-config.yaml", "tls.crt", "tls.key"]
    assert volume["secret"] == {"secretName": "tls", "items": [{"key": file, "path": file} for file in files]}


def test_credentials_of_bmcs_are_in_the_form_of_the_line() -> None:
    """'redfish.yaml', not the table of v0.7."""
    (volume,) = [volume for volume in pod(redfish={"secret": "bmcs"})["volumes"] if volume["name"] == "redfish"]
    assert volume["secret"]["items"] == [{"key": "redfish.yaml", "path": "redfish.yaml"}]


@pytest.mark.parametrize(
    ("fields", "remark"),
    [
        ({"machine-spec": "m5"}, "`collector.machine-spec` has no effect in line 'v0.11' of Kepler"),
        (
            {"machine-spec": "m5", "env": [{"name": "ENABLE_MSR", "value": "1"}]},
            "`collector.env`, `collector.machine-spec` have no effect in line 'v0.11' of Kepler",
        ),
    ],
)
def test_fields_without_effect_are_said(fields: dict[str, Any], remark: str) -> None:
    """Those of the other line."""
    assert remark in decide_v011(**fields).message


@pytest.mark.parametrize(
    ("tag", "informer", "remarks"),
    [
        ("v0.11.3", "kubelet", 1),
        ("v0.10.2", "kubelet", 1),
        ("v0.11.4", "kubelet", 0),
        ("v0.11.3", None, 0),
    ],
)
def test_an_image_that_cannot_ask_the_kubelet_is_said(tag: str, informer: str | None, remarks: int) -> None:
    """Before v0.11.4 Kepler asks the API server for pods, whatever `pod-informer` is."""
    message = decide_v011(image=f"{KEPLERS}:{tag}", pod_informer=informer).message
    assert message.count("`collector.pod-informer` has no effect before Kepler v0.11.4") == remarks


def test_fields_of_v011_have_no_effect_in_v07() -> None:
    """Each is named."""
    fields = {
        "pod_informer": "kubelet",
        "rapl_zones": ["package"],
        "max_terminated": 0,
        "web_config": {"secret": "s"},
        "additional_config": "c",
    }
    message = decide(parent(**fields)).message
    assert message.endswith(
        "`collector.pod-informer`, `collector.rapl-zones`, `collector.max-terminated`, `collector.web-config`, "
        "`collector.additional-config` have no effect in line 'v0.7' of Kepler"
    )


def test_the_line_changes_as_a_whole() -> None:
    """What the other line reads is removed, but for a ConfigMap in which a user has keys of their own."""
    assert decide(parent()).absent == (children.kepler_config(KEY),)
    assert decide_v011().absent == (children.cfm(KEY),)
    kepler = parent(**NEW)
    users = collector.desired(observed(kepler, {"metadata": {}, "data": {"MINE": "1", "ENABLE_GPU": "true"}}))
    assert users.absent == ()
    assert "is kept because you added key 'MINE' to it" in users.message


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"port": 8080}, "PortTaken"),
        ({"port": 8080, "pod_informer": "kubelet"}, "Reconciled"),
        ({"port": 8080, "pod_informer": "kubelet", "image": f"{KEPLERS}:v0.11.3"}, "PortTaken"),
        ({"redfish": {"secret": "s"}, "image": f"{KEPLERS}:v0.10.2"}, "NotInThisRelease"),
    ],
)
def test_what_the_exporter_would_exit_at_is_refused(fields: dict[str, Any], reason: str) -> None:
    """Because of a field, or because an older release of the line lacks what the field needs."""
    assert decide_v011(**fields).reason == reason


def decided(decide_function: Any, **spec: Any) -> Outcome:
    """What another function decides about a Kepler of line v0.11 with this spec."""
    kepler = parent(**NEW)
    kepler["spec"] |= {name.replace("_", "-"): value for name, value in spec.items()}
    there: dict[Ref, Any] = dict.fromkeys(
        (*model_server.FUNCTION.children(KEY), *monitoring.FUNCTION.children(KEY), children.cfm(KEY))
    )
    there |= {monitoring.definition(kind): None for kind in (SERVICE_MONITOR, PROMETHEUS_RULE)}
    outcome: Outcome = decide_function(Observed(KEY, kepler, {**observed(kepler, None).objects, **there}))
    return outcome


@pytest.mark.parametrize(
    ("function", "field"),
    [(estimator, "estimator-sidecar"), (model_server, "model-server")],
)
def test_what_the_line_has_not_is_refused(function: Any, field: str) -> None:
    """With what to do; off, there is nothing to write."""
    outcome = decided(function.desired, **{field.replace("-", "_"): {"enabled": True}})
    assert (outcome.word, outcome.reason, outcome.intents) == ("rejected", "NotInThisRelease", ())
    assert f"turn `{field}.enabled` off, or set `collector.release` to 'v0.7'" in outcome.message
    off = decided(function.desired)
    assert (off.word, off.reason, off.intents) == ("converged", "Disabled", ())


def test_sources_are_said_to_have_no_effect() -> None:
    """But GPUs, from the release on that reads them."""
    outcome = decided(collected_metric.desired)
    assert outcome.intents == ()
    assert "energy of GPUs is measured, and all other sources and lists have no effect" in outcome.message
    older = parent(**NEW, image=f"{KEPLERS}:v0.11.0")
    message = collected_metric.desired(Observed(KEY, older, {children.cfm(KEY): None})).message
    assert "Kepler v0.11.0 does not read GPUs (v0.11.4 was the first that did)" in message


def test_levels_are_exported_without_a_switch_in_the_old_config_map() -> None:
    """`kepler-cfm` is of the other line."""
    outcome = decided(exported_power.desired)
    assert outcome.intents == ()
    assert (
        outcome.message
        == "exports power of node, package, pod, container; CPU time of processes is kept, if they are exported"
    )
