"""The definitions and the samples, in a real API server, by the real kubectl."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import JsonValue

from crds.crd_files import RESOURCES
from crds.kepler import Kepler
from crds.kepler_collected_metric import KeplerCollectedMetric, Source
from crds.kepler_exported_power import KeplerExportedPower
from crds.kepler_machine_config import KeplerMachineConfig
from crds.meta import API_VERSION, CATEGORY, GROUP, Resource, SpecPart
from crds.model_server_fields import StorageType
from local.stack import Stack

SAMPLES = Path(__file__).parents[2] / "config" / "samples"
WORKING_DOC = (SAMPLES / "working-doc/kepler.yaml").read_text()

EVERYTHING = """
apiVersion: sustainable-computing.io/v1alpha1
kind: Kepler
metadata: {name: everything}
spec:
  scrape-interval: 30s
  collected-metric: default
  exported-power: default
  collector:
    image: quay.io/sustainable_computing_io/kepler:release-0.7.12
    port: 9102
    sample-period: 3s
    log-level: 1
    node-selector: {kubernetes.io/os: linux}
    tolerations: []
    resources: {requests: {cpu: 100m, memory: 400Mi}}
    priority-class: system-node-critical
    affinity: {}
    update-strategy: {type: OnDelete}
    env: [{name: CPU_ARCH_OVERRIDE, value: Skylake}]
    image-pull-secrets: [{name: registry}]
  estimator-sidecar:
    enabled: true
    image: quay.io/sustainable_computing_io/kepler_model_server:v0.7.12
    mnt-path: /tmp
    models:
      node-components:
        init-url: "http://models.kepler-system.svc/ec2/SGDRegressorTrainer_0.zip"
        trainer: SGDRegressorTrainer
        filters: ""
  model-server:
    enabled: true
    image: quay.io/sustainable_computing_io/kepler_model_server:v0.7.12
    port: 8100
    storage:
      type: claim
      path: models
      claim: {size: 5Gi, storage-class: standard, access-mode: ReadWriteOnce, on-delete: Retain}
      hostpath: {path: /var/lib/kepler}
      nfs: {server: 10.0.0.5, export: /srv/kepler}
      external:
        {endpoint: "https://s3.example.com", region: eu-1, bucket: kepler, prefix: models, credentials: {secret: s3}}
    pipelines: ["http://models.kepler-system.svc/ec2-0.7.11.zip"]
    sampling-period: 300s
    training:
      {online: true, prometheus-url: "http://prometheus-k8s.monitoring.svc:9090", step: 3s, headers: {secret: token}}
---
apiVersion: sustainable-computing.io/v1alpha1
kind: KeplerCollectedMetric
metadata: {name: everything}
spec:
  sources:
    counter: {enabled: true, metrics: [cpu_cycles, cpu_instructions, cache_miss]}
    cgroup: {enabled: false}
    kubelet: {enabled: false}
    gpu: {enabled: true}
    bpf: {enabled: true}
    irq: {enabled: true}
---
apiVersion: sustainable-computing.io/v1alpha1
kind: KeplerExportedPower
metadata: {name: everything}
spec:
  levels: [node, package, pod, container]
  metrics: [cpu_cycles, cache_miss, bpf_cpu_time_ms]
  idle-power: false
---
apiVersion: sustainable-computing.io/v1alpha1
kind: KeplerMachineConfig
metadata: {name: everything}
spec:
  roles: [worker]
  kernel-devel: true
  cgroup-v2: false
  allow-reboot: false
  machine-spec:
    m5.metal: {processor: intel_xeon_platinum_8259cl, cores: 96, chips: 2, memory: 377, frequency: 3500}
"""

MODES = pytest.mark.parametrize("mode", [(), ("--server-side",)], ids=["client-side", "server-side"])
EACH = pytest.mark.parametrize("resource", RESOURCES.values(), ids=lambda resource: resource.names.kind)


@pytest.fixture(scope="module", autouse=True)
def no_machine_configs_left(control_plane: Stack) -> Iterator[None]:
    """They are in no namespace, so the next test would meet them."""
    yield
    control_plane.kubectl("delete", f"{KeplerMachineConfig.names.plural}.{GROUP}", "--all")


def stored(control_plane: Stack, resource: type[Resource], namespace: str, name: str) -> dict[str, JsonValue]:
    """The object as the API server keeps it."""
    plural = f"{resource.names.plural}.{GROUP}"
    document: dict[str, JsonValue] = json.loads(
        control_plane.kubectl("-n", namespace, "get", plural, name, "-o", "json")
    )
    return document


def blank(part: type[SpecPart]) -> dict[str, JsonValue]:
    """Every block of a part written out, with every field of it blank."""
    blocks = {str(field.alias): field.annotation for field in part.model_fields.values()}
    return {
        name: blank(block) if isinstance(block, type) and issubclass(block, SpecPart) else None
        for name, block in blocks.items()
    }


@EACH
def test_a_definition_is_established_and_structural(control_plane: Stack, resource: type[Resource]) -> None:
    name = f"{resource.names.plural}.{GROUP}"
    status = json.loads(control_plane.kubectl("get", "crd", name, "-o", "json"))["status"]
    conditions = {condition["type"]: condition["status"] for condition in status["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


@MODES
def test_the_working_documents_sample_applies_unchanged(
    control_plane: Stack, namespace: str, mode: tuple[str, ...]
) -> None:
    manifest = WORKING_DOC.replace("namespace: kepler-system", f"namespace: {namespace}")

    first = control_plane.kubectl("apply", *mode, "-f", "-", stdin=manifest)
    before = stored(control_plane, Kepler, namespace, "kepler-system")
    again = control_plane.kubectl("apply", *mode, "-f", "-", stdin=manifest)
    after = stored(control_plane, Kepler, namespace, "kepler-system")

    assert first.split()[0] == again.split()[0] == "kepler.sustainable-computing.io/kepler-system"
    assert before == after
    assert Kepler.model_validate(after).spec == Kepler().spec


@MODES
def test_applying_twice_changes_nothing(control_plane: Stack, namespace: str, mode: tuple[str, ...]) -> None:
    documents = [entry for entry in yaml.safe_load_all(EVERYTHING) if entry["kind"] != "KeplerMachineConfig"]
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})

    control_plane.kubectl("-n", namespace, "apply", *mode, "-f", "-", stdin=manifest)
    before = [stored(control_plane, r, namespace, "everything") for r in (Kepler, KeplerCollectedMetric)]
    control_plane.kubectl("-n", namespace, "apply", *mode, "-f", "-", stdin=manifest)
    after = [stored(control_plane, r, namespace, "everything") for r in (Kepler, KeplerCollectedMetric)]

    assert before == after


def test_every_field_reaches_the_models(control_plane: Stack, namespace: str) -> None:
    control_plane.kubectl("-n", namespace, "apply", "-f", "-", stdin=EVERYTHING)

    kepler = Kepler.model_validate(stored(control_plane, Kepler, namespace, "everything"))
    machines = KeplerMachineConfig.model_validate(stored(control_plane, KeplerMachineConfig, "", "everything"))
    metrics = KeplerCollectedMetric.model_validate(
        stored(control_plane, KeplerCollectedMetric, namespace, "everything")
    )
    power = KeplerExportedPower.model_validate(stored(control_plane, KeplerExportedPower, namespace, "everything"))

    assert kepler.metadata.uid
    assert (kepler.namespace, kepler.name, kepler.metadata.generation) == (namespace, "everything", 1)
    assert kepler.spec.model_server.storage.type is StorageType.CLAIM
    assert kepler.spec.collector.tolerations == ()
    assert machines.spec.machine_spec["m5.metal"].cores == 96
    assert metrics.metrics(Source.COUNTER) == ("cpu_cycles", "cpu_instructions", "cache_miss")
    assert power.spec.metrics == ("cpu_cycles", "cache_miss", "bpf_cpu_time_ms")


@MODES
@EACH
def test_every_field_may_be_blank(
    control_plane: Stack, namespace: str, mode: tuple[str, ...], resource: type[Resource]
) -> None:
    manifest = {
        "apiVersion": API_VERSION,
        "kind": resource.names.kind,
        "metadata": {"name": namespace},
        "spec": blank(type(resource.model_fields["spec"].get_default())),
    }

    control_plane.kubectl("-n", namespace, "apply", *mode, "-f", "-", stdin=json.dumps(manifest))

    document = resource.model_validate(stored(control_plane, resource, namespace, namespace))
    assert document.model_dump()["spec"] == resource().model_dump()["spec"]


@EACH
def test_a_resource_without_a_spec_shows_the_defaults(
    control_plane: Stack, namespace: str, resource: type[Resource]
) -> None:
    manifest = {"apiVersion": API_VERSION, "kind": resource.names.kind, "metadata": {"name": namespace}}
    control_plane.kubectl("-n", namespace, "create", "-f", "-", stdin=json.dumps(manifest))
    document = stored(control_plane, resource, namespace, namespace)
    assert document["spec"]
    assert resource.model_validate(document).model_dump()["spec"] == resource().model_dump()["spec"]


@MODES
@EACH
def test_a_misspelt_field_is_refused(
    control_plane: Stack, namespace: str, mode: tuple[str, ...], resource: type[Resource]
) -> None:
    manifest = {
        "apiVersion": API_VERSION,
        "kind": resource.names.kind,
        "metadata": {"name": "misspelt"},
        "spec": {"colector": {}},
    }
    with pytest.raises(Exception, match="colector"):
        control_plane.kubectl("-n", namespace, "apply", *mode, "-f", "-", stdin=json.dumps(manifest))


@MODES
def test_the_samples_apply_together(control_plane: Stack, namespace: str, mode: tuple[str, ...]) -> None:
    samples = control_plane.kubectl("kustomize", str(SAMPLES)).replace("kepler-system", namespace)

    control_plane.kubectl("apply", *mode, "-f", "-", stdin=samples)

    kepler = Kepler.model_validate(stored(control_plane, Kepler, namespace, namespace))
    assert kepler.spec.collected_metric
    stored(control_plane, KeplerCollectedMetric, namespace, kepler.spec.collected_metric)


@pytest.mark.parametrize("sample", sorted(path.parent.name for path in SAMPLES.glob("*/kustomization.yaml")))
def test_every_sample_is_taken(control_plane: Stack, namespace: str, sample: str) -> None:
    rendered = control_plane.kubectl("kustomize", str(SAMPLES / sample)).replace("kepler-system", namespace)

    output = control_plane.kubectl(
        "-n", namespace, "apply", "--server-side", "--dry-run=server", "-f", "-", stdin=rendered
    )

    assert output.count("serverside-applied") == rendered.count("\nkind: ")


def test_one_word_lists_all_of_our_resources(control_plane: Stack) -> None:
    listed = control_plane.kubectl("api-resources", f"--categories={CATEGORY}", "-o", "name")
    assert listed.split() == sorted(f"{resource.names.plural}.{GROUP}" for resource in RESOURCES.values())


def test_the_columns_tell_how_a_kepler_is(control_plane: Stack, namespace: str) -> None:
    control_plane.kubectl("-n", namespace, "apply", "-f", "-", stdin=WORKING_DOC.replace("kepler-system", namespace))
    ready = {
        "type": "Ready",
        "status": "False",
        "reason": "NodesUpdating",
        "message": "2 of 3 nodes have the present configuration",
        "observedGeneration": 1,
        "lastTransitionTime": "2022-11-16T00:00:00Z",
    }
    status = {
        "conditions": [ready],
        "observedGeneration": 1,
        "nodes": {"desired": 3, "updated": 2, "available": 3},
        "images": {"collector": "quay.io/sustainable_computing_io/kepler:release-0.7.12"},
    }
    patch = json.dumps({"status": status})
    control_plane.kubectl(
        "-n", namespace, "patch", "kpl", namespace, "--subresource=status", "--type=merge", "-p", patch
    )

    titles, row = control_plane.kubectl("-n", namespace, "get", "kpl", "-o", "wide").splitlines()

    assert titles.split() == ["NAME", "READY", "REASON", "DELETED", "NODES", "AVAILABLE", "PORT", "IMAGE", "AGE"]
    assert row.split()[:-1] == [
        namespace,
        "False",
        "NodesUpdating",
        "3",
        "3",
        "9102",
        "quay.io/sustainable_computing_io/kepler:release-0.7.12",
    ]
    kepler = Kepler.model_validate(stored(control_plane, Kepler, namespace, namespace))
    assert kepler.status.nodes.updated == 2
    assert kepler.status.conditions[0].observed_generation == 1


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({"status": "Degraded"}, 'supported values: "True", "False", "Unknown"'),
        ({"reason": "not one word"}, "status.conditions[0].reason"),
        ({"reason": ""}, "status.conditions[0].reason"),
        ({"lastTransitionTime": "yesterday"}, "date-time"),
        ({"message": None}, "status.conditions[0].message: Required value"),
    ],
)
def test_a_condition_other_tools_could_not_read_is_refused(
    control_plane: Stack, namespace: str, condition: dict[str, JsonValue], says: str
) -> None:
    control_plane.kubectl("-n", namespace, "apply", "-f", "-", stdin=WORKING_DOC.replace("kepler-system", namespace))
    good = {
        "type": "Ready",
        "status": "True",
        "reason": "Ready",
        "message": "",
        "lastTransitionTime": "2022-11-16T00:00:00Z",
    }
    patch = json.dumps({"status": {"conditions": [good | condition]}})
    patching = ("-n", namespace, "patch", "kpl", namespace, "--subresource=status", "--type=merge", "-p", patch)
    with pytest.raises(Exception) as refused:  # noqa: PT011 - what it says is looked at below
        control_plane.kubectl(*patching)
    assert says in str(refused.value)
