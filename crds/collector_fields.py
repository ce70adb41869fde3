"""`collector` of a Kepler: the exporter, the line of Kepler releases it is of, and the pods it runs in."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from crds.environment import ExporterEnv
from crds.fields import (
    Annotations,
    Image,
    Int32,
    Labels,
    ObjectName,
    Port,
    Seconds,
    atomic,
    between,
    different,
    named,
    text,
)
from crds.meta import SpecPart
from crds.pod_fields import Affinity, NodeSelector, PullSecrets, Resources, Tolerations, UpdateStrategy


class ReleaseLine(StrEnum):
    """Releases of Kepler with one format of configuration: v0.7 (v0.7 and v0.8), and v0.11 (v0.10 and later)."""

    V0_7 = "v0.7"
    V0_11 = "v0.11"


class PodInformer(StrEnum):
    """Where the exporter asks which pods its node has."""

    API_SERVER = "apiserver"
    KUBELET = "kubelet"


class RaplZone(StrEnum):
    """A part of a processor with a power meter of its own (RAPL)."""

    PSYS = "psys"
    PACKAGE = "package"
    CORE = "core"
    UNCORE = "uncore"
    DRAM = "dram"


class Redfish(SpecPart):
    """Reading of a node's power from its management controller (BMC)."""

    secret: ObjectName | None = None
    """Secret, in this namespace, with the credentials of the BMCs. For Kepler v0.7, key 'redfish.csv' has a line
    'NODE,USER,PASSWORD,URL' for each node, and a 'REDFISH_CRED_FILE_PATH' in `env` wins over it. For v0.11, key
    'redfish.yaml' has maps 'nodes' and 'bmcs', as Kepler documents them. Exporters read it at their start: after a
    change, restart DaemonSet `kepler-exporter`. Blank means that no BMC is asked."""


class WebConfig(SpecPart):
    """TLS of the exporter's own port (Kepler v0.11)."""

    secret: ObjectName | None = None
    """Secret, in this namespace, with keys 'web-config.yaml', 'tls.crt', 'tls.key' and 'ca.crt'. The first is a web
    configuration file of Prometheus' exporter toolkit; it names the next two, which the exporter has as files in
    '/etc/kepler-web'. The ServiceMonitor then asks by HTTPS, for a certificate of 'kepler-exporter.NAMESPACE.svc', and
    trusts 'ca.crt'. It sends no password and no certificate: a file that asks for one keeps Prometheus out. Exporters
    read the file at their start. Blank means HTTP."""


class Collector(SpecPart):
    """The exporter: one pod on each node."""

    release: Annotated[ReleaseLine, *named(ReleaseLine)] | None = None
    """Line of Kepler releases. 'v0.7' (v0.7 and v0.8) estimates power on nodes without a meter, and has sources, an
    estimator and a model server. 'v0.11' (v0.10 and later) needs a power meter (RAPL) on each node, no eBPF and fewer
    privileges, and its metrics have other names. Blank means the line of the tag of `image`, and 'v0.7' if that does
    not tell it."""
    image: Image | None = None
    """Image of the exporter, of the line that `release` names. Blank means this release's image for that line, which
    an upgrade moves; `status.images.collector` tells which."""
    port: Port = 9102
    """TCP port the exporter serves its metrics on: `BIND_ADDRESS` in ConfigMap `kepler-cfm`, the container port and the
    Service."""
    sample_period: Seconds = Field("3s", validate_default=True)
    """How often the exporter measures: `SAMPLE_PERIOD_SEC` in ConfigMap `kepler-cfm`. From '1s' to '24h'. The first
    energy is there after one period."""
    log_level: Annotated[Int32, between(0, 10)] = 1
    """How much the exporter logs, from 0 to 10: `KEPLER_LOG_LEVEL` in ConfigMap `kepler-cfm` and its flag `-v`."""
    node_selector: NodeSelector = Field(default_factory=dict)
    """Labels of the nodes the exporter runs on, beside 'kubernetes.io/os: linux'. Blank means all Linux nodes; with the
    estimator those of 'kubernetes.io/arch: amd64', since upstream's image of it is built for no other."""
    tolerations: Tolerations | None = None
    """Taints the exporter runs in spite of. Blank means those of control-plane nodes
    ('node-role.kubernetes.io/control-plane' and 'node-role.kubernetes.io/master', NoSchedule); '[]' means none."""
    resources: Resources = Field(default_factory=dict)
    """CPU and memory of the exporter. Blank means requests of '100m' and '400Mi', and no limits."""
    priority_class: ObjectName | None = None
    """PriorityClass of the exporter's pods, such as 'system-node-critical'. Blank means the cluster's default."""
    affinity: Affinity = Field(default_factory=dict)
    """Further rules on which nodes the exporter runs. Blank means none."""
    update_strategy: UpdateStrategy = Field(default_factory=dict)
    """How a change reaches the nodes. Blank means 'RollingUpdate', one node at a time."""
    env: ExporterEnv = ()
    """Environment variables of the exporter: those that Kepler reads and no field stands for, such as
    'NVIDIA_HOSTENGINE_ENDPOINT'. They win over the same keys of ConfigMap `kepler-cfm`."""
    image_pull_secrets: PullSecrets = ()
    """Secrets, in this namespace, with the credentials of the registries; the model server's pod has them, too. Blank
    means none."""
    runtime_class: ObjectName | None = None
    """RuntimeClass of the exporter's pods, such as 'nvidia' where GPUs are read through a runtime of their own. Blank
    means the nodes' default."""
    pod_labels: Labels = Field(default_factory=dict)
    """Further labels of the exporter's pods. Blank means none."""
    pod_annotations: Annotations = Field(default_factory=dict)
    """Further annotations of the exporter's pods. Blank means none."""
    service_annotations: Annotations = Field(default_factory=dict)
    """Annotations of Service `kepler-exporter`, such as 'prometheus.io/scrape'. Blank means none."""
    machine_spec: (
        Annotated[
            str,
            Field(max_length=512),
            text(
                "^[A-Za-z0-9][A-Za-z0-9._-]*$",
                253,
                "`{field}` must be a name from `machine-spec` of a KeplerMachineConfig, such as 'm5.metal', or "
                "'spec.json'; {instead}",
            ),
        ]
        | None
    ) = None
    """Type of the nodes' machines: the key of ConfigMap `kepler-machine-spec`, made from `machine-spec` of the
    KeplerMachineConfigs, that exporter and estimator read at '/etc/kepler/models/machine/spec.json'. They start only
    once it is there, and read it then: after a change of it, restart DaemonSet `kepler-exporter`. Blank means that
    Kepler finds out."""
    redfish: Redfish = Redfish()
    """Reading of a node's power from its management controller (BMC)."""
    pod_informer: Annotated[PodInformer, *named(PodInformer)] | None = None
    """Where the exporter asks for the pods of its node (Kepler v0.11; before v0.11.4 always the API server).
    'apiserver' works in every cluster; 'kubelet' asks less of the API server, and before Kubernetes 1.33 needs
    `config/overlays/nodes-proxy`. Blank means 'apiserver'."""
    rapl_zones: Annotated[tuple[RaplZone, ...], Field(max_length=8), atomic(), different()] = ()
    """Zones of RAPL that are measured: `rapl.zones` of Kepler v0.11. A node with none of them has no exporter. Blank
    means all."""
    max_terminated: Annotated[Int32, between(-1, 100_000)] | None = None
    """How many ended processes, containers and pods are still exported at a time, those that used most energy first:
    `monitor.maxTerminated` of Kepler v0.11; '-1' means all, '0' none. Blank means 500."""
    web_config: WebConfig = WebConfig()
    """TLS of the exporter's own port (Kepler v0.11)."""
    additional_config: ObjectName | None = None
    """ConfigMap, in this namespace, whose key 'config.yaml' is merged over the configuration of Kepler v0.11: maps are
    merged by key, other values replaced. Keys that a field of this resource stands for are refused. A change of the
    ConfigMap is found by the next sweep, or by `kubectl kepler resync`. Blank means none."""
