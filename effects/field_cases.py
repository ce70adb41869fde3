"""Every field of the four resources that a user writes: two values of it, and the test that shows its effect.

`around` contains what the field needs to have an effect. The effects themselves are computed: see
`effects.field_effects`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from crds.collector_fields import ReleaseLine
from crds.kepler_collected_metric import Source
from crds.model_server_fields import StorageType
from effects.rendered_cluster import PLACES, RenderedCluster
from operands import kepler_v07, release
from operands.repositories import repository
from runtime.objects import COLLECTED_METRIC, EXPORTED_POWER, KEPLER, MACHINE_CONFIG, Manifest

PROMETHEUS = "http://prometheus.monitoring.svc:9090"
EXTERNAL = {"endpoint": "https://s3", "bucket": "kepler", "credentials": {"secret": "s"}}

EXPORTER = "tests/pure/test_exporter.py"
ESTIMATOR = "tests/pure/test_estimator.py"
SERVER = "tests/pure/test_model_server.py"
SERVERS_CLAIM = "tests/pure/test_model_server_claim.py"
SERVERS_CONTAINERS = "tests/pure/test_model_server_pod.py"
STORE = "tests/pure/test_model_store.py"
MONITORING = "tests/pure/test_monitoring.py"
MACHINES = "tests/pure/test_machine_config.py"
RELEASE = "tests/pure/test_release.py"
READS = "tests/pure/test_kepler_reads.py"
MODELS_READ = "tests/pure/test_kepler_models_read.py"
POWER = "tests/pure/test_exported_power.py"
INTERVAL = f"{MONITORING}::test_the_scrape_interval_in_either_spelling"
SELECTED = f"{MONITORING}::test_labels_of_the_user_are_what_prometheus_selects_by"
LISTED = f"{MONITORING}::test_metrics_that_a_sources_list_leaves_out_are_dropped"
POD = f"{EXPORTER}::test_fields_of_the_pod"
DESCRIBES = f"{EXPORTER}::test_labels_and_annotations_of_the_pods"
SERVICE = f"{EXPORTER}::test_annotations_of_the_service"
BMCS = f"{EXPORTER}::test_credentials_of_bmcs_are_the_exporters_alone"
MACHINE_TYPE = f"{ESTIMATOR}::test_exporter_and_estimator_read_the_same_type_of_machine"
PORT = f"{EXPORTER}::test_the_port_reaches_everything_that_names_it"
KEYS = f"{EXPORTER}::test_sample_period_and_log_level_are_keys"
STRATEGY = f"{EXPORTER}::test_the_update_strategy_is_the_daemon_sets"
SIDECAR = f"{ESTIMATOR}::test_the_sidecar_listens_before_the_exporter_starts"
ESTIMATORS_IMAGE = f"{ESTIMATOR}::test_the_image_defaults_in_the_environment"
BESIDE = f"{ESTIMATOR}::test_fields_of_the_estimators_container"
SOCKET = f"{ESTIMATOR}::test_the_only_path_there_is_reaches_both_containers"
MODEL_CONFIG = f"{ESTIMATOR}::test_both_readers_see_what_was_meant"
PULLED = f"{SERVERS_CONTAINERS}::test_pull_secrets_are_those_of_the_exporter"
SERVERS_IMAGE = f"{SERVERS_CONTAINERS}::test_the_image_defaults_in_the_environment"
ADDRESS = f"{SERVER}::test_the_exporter_the_estimator_and_the_server_meet_at_one_address"
SETTINGS = f"{SERVER}::test_fields_of_the_configuration_and_the_volume"
DIRECTORY = f"{SERVERS_CONTAINERS}::test_the_directory_of_the_models_is_made_by_the_kubelet"
CLAIM = f"{SERVERS_CLAIM}::test_the_claim_in_use"
NOT_IN_USE = f"{SERVERS_CLAIM}::test_a_claim_that_is_not_used_is_kept_or_removed"
PROXIED = f"{SERVERS_CONTAINERS}::test_proxies_reach_every_container_that_fetches"
SERVERS_POD = f"{SERVERS_CONTAINERS}::test_fields_of_the_pod"
SERVER_DESCRIBES = f"{SERVERS_CONTAINERS}::test_labels_and_annotations_are_beside_ours"
EACH_LIMITED = f"{SERVERS_CONTAINERS}::test_resources_are_of_each_container"
UNTRAINED = f"{SERVER}::test_training_is_refused"
UNUSED = f"{SERVER}::test_fields_of_training_have_no_effect_and_the_condition_says_so"
UNWORKABLE = f"{ESTIMATOR}::test_a_setting_that_leaves_a_node_without_power_is_refused"
PREFIX = f"{STORE}::test_models_are_there_before_the_server_starts"
CREDENTIALS = f"{STORE}::test_the_credentials_are_the_secrets_and_nowhere_else"
TRUSTED = f"{STORE}::test_a_store_of_an_authority_of_the_users_is_trusted"
TRUSTED_KEY = f"{STORE}::test_the_authorities_are_for_the_copy_alone"
RCLONE = f"{MODELS_READ}::test_rclone_finds_the_store_and_its_models"
ENV = f"{READS}::test_a_variable_of_the_user_wins_over_the_file_in_the_exporter"
SWITCH = f"{READS}::test_each_source_has_a_switch_that_the_exporter_reads"
OLD_SWITCH = f"{READS}::test_a_source_of_older_releases_has_a_switch_that_only_they_read"
CGROUPS = f"{READS}::test_metrics_of_cgroups_are_a_list_or_a_star"
UNREAD = f"{RELEASE}::test_metrics_without_values_are_named"
LEVELS = f"{POWER}::test_a_switch_is_on_when_a_level_needs_it"
DROPPED = f"{POWER}::test_what_is_dropped"
IDLE = f"{POWER}::test_idle_power_has_a_switch_of_its_own"
FEATURE = f"{MACHINES}::test_a_feature_is_upstreams_machine_config"
DESCRIBED = f"{MACHINES}::test_each_type_of_machine_is_a_key"
V011 = "tests/pure/test_exporter_v011.py"
LINE_IMAGE = f"{V011}::test_the_line_has_an_image"
LINE = "the exporter of the other line, and the names of its metrics"
CONFIG_KEYS = "tests/pure/test_kepler_config.py::test_a_field_is_a_key"
ADDITIONS = "tests/pure/test_kepler_config.py::test_maps_are_merged_and_lists_replaced"
NAMED = "tests/protocol/test_exporter_applied.py::test_the_source_switches_follow_their_resource"


KEPLERS = repository(kepler_v07.IMAGE)
MODELS = repository(kepler_v07.MODEL_SERVER_IMAGE)
# Another image than the default, by line.
IMAGES = {ReleaseLine.V0_7: f"{KEPLERS}:release-0.7.11", ReleaseLine.V0_11: f"{KEPLERS}:v0.11.3"}


@dataclass(frozen=True)
class FieldCase:
    """A field by its path in `docs/reference.md`, a value before (None: not set) and a value after."""

    kind: str
    path: str
    before: Any
    after: Any
    shown_by: str
    around: RenderedCluster
    remark: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}"

    @property
    def line(self) -> ReleaseLine:
        """The line of releases of the Kepler around it."""
        collector = self.around.specs.get(KEPLER.name, {}).get("collector") or {}
        return ReleaseLine(collector.get("release") or ReleaseLine.V0_7)

    def in_line(self, line: ReleaseLine) -> "FieldCase":
        """Return the same field with a Kepler of this line, and an image of it; v0.11 refuses estimator and server."""
        spec = self.around.specs.get(KEPLER.name, {})
        refused = ("estimator-sidecar", "model-server") if line is ReleaseLine.V0_11 else ()
        kept = {block: value for block, value in spec.items() if block not in refused}
        collector = {**(spec.get("collector") or {}), "release": line.value}
        specs = {**self.around.specs, KEPLER.name: {**kept, "collector": collector}}
        after = IMAGES[line] if self.path == "spec.collector.image" else self.after
        return replace(self, after=after, around=replace(self.around, specs=specs))


def kepler(path: str, before: Any, after: Any, shown_by: str, *, remark: str = "", **around: Any) -> FieldCase:
    """Return a field of a Kepler, with `around` as the rest of its spec."""
    return FieldCase(
        KEPLER.name, f"spec.{path}", before, after, shown_by, cluster({KEPLER.name: _spec(around)}), remark
    )


def v011(path: str, after: Any, shown_by: str = "", *, remark: str = "") -> FieldCase:
    """Return a field of the exporter of a Kepler of line v0.11."""
    field = kepler(f"collector.{path}", None, after, shown_by or CONFIG_KEYS, collector={"release": "v0.11"})
    return replace(field, remark=remark)


def cluster(specs: Mapping[str, Manifest], *, openshift: bool = False) -> RenderedCluster:
    """Return a cluster with these specs. The Kepler refers to the other resources of its namespace among them."""
    named = {COLLECTED_METRIC: "collected-metric", EXPORTED_POWER: "exported-power"}
    names = {field: PLACES[kind.name].name for kind, field in named.items() if kind.name in specs}
    return RenderedCluster({**specs, KEPLER.name: {**names, **specs.get(KEPLER.name, {})}}, openshift=openshift)


def _spec(words: Mapping[str, Any]) -> dict[str, Any]:
    return {word.replace("_", "-"): value for word, value in words.items()}


def estimator(path: str, before: Any, after: Any, shown_by: str, remark: str = "") -> FieldCase:
    """Return a field of an enabled estimator."""
    around = {"enabled": True}
    return kepler(f"estimator-sidecar.{path}", before, after, shown_by, estimator_sidecar=around, remark=remark)


def server(path: str, before: Any, after: Any, shown_by: str, *, remark: str = "", **around: Any) -> FieldCase:
    """Return a field of an enabled model server, beside an enabled estimator."""
    there, beside = {"enabled": True, **_spec(around)}, {"enabled": True}
    return kepler(
        f"model-server.{path}", before, after, shown_by, remark=remark, estimator_sidecar=beside, model_server=there
    )


def stored(path: str, before: Any, after: Any, shown_by: str, storage: StorageType, **around: Any) -> FieldCase:
    """Return a field of a storage of this type."""
    there = {"type": storage.value, **_spec(around)}
    return server(f"storage.{path}", before, after, shown_by, storage=there)


def source(path: str, before: Any, after: Any, shown_by: str, **around: Any) -> FieldCase:
    """Return a field of a source in a KeplerCollectedMetric."""
    there, of = cluster({COLLECTED_METRIC.name: {"sources": around}}), Source(path.partition(".")[0])
    remark = "" if path == f"{Source.GPU}.metrics" else SOURCE_REMARKS.get(of, "")
    return FieldCase(COLLECTED_METRIC.name, f"spec.sources.{path}", before, after, shown_by, there, remark)


def power(path: str, before: Any, after: Any, shown_by: str) -> FieldCase:
    """Return a field of a KeplerExportedPower."""
    there = cluster({EXPORTED_POWER.name: {}})
    return FieldCase(EXPORTED_POWER.name, f"spec.{path}", before, after, shown_by, there)


def machines(path: str, before: Any, after: Any, shown_by: str, **around: Any) -> FieldCase:
    """Return a field of a KeplerMachineConfig, on OpenShift."""
    there = cluster({MACHINE_CONFIG.name: _spec(around)}, openshift=True)
    return FieldCase(MACHINE_CONFIG.name, f"spec.{path}", before, after, shown_by, there)


ON = True
URL = "http://models.energy.svc/ec2/rapl-sysfs/AbsPower/BPFOnly/SGDRegressorTrainer_0.zip"
LIMITED = {"limits": {"cpu": "1", "memory": "1Gi"}}
PROXY = {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}
TRUSTING = {**EXTERNAL, "ca": {"config-map": "authorities"}}
TEAM = {"example.com/team": "energy"}
TOLERATION = {"key": "gpu", "operator": "Exists"}
TERM = {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}
AFFINITY = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [TERM]}}}
FILTERED = {Source.COUNTER: "cpu_cycles", Source.GPU: "gpu_mem_util", Source.BPF: "bpf_cpu_time_ms"}
MODEL = {"init-url": URL, "trainer": "SGDRegressorTrainer", "filters": "mae:0.5"}
WORKING = frozenset(
    (model, setting) for model in ("node-total", "node-components") for setting in ("init-url", "trainer")
)
NOT_TRAINED = "no release of Kepler's model server trains models"
ONLY_TMP = "'/tmp' is the one value that the API server takes: the path of the socket is built into both programs"

# What the default image of line v0.7 makes of a source, as condition `CollectedMetricReconciled` says it, too.
SOURCE_REMARKS: Mapping[Source, str] = {
    **{
        source: f"no effect in Kepler {release.RENDERED}, which ignores it: {last} was the last that read it"
        for source, last in release.LAST_READ.items()
    },
    Source.GPU: "the default image is built without support for GPUs, of which it exports 0: nodes with GPUs need one "
    "whose tag ends in " + " or ".join(f"'{suffix}'" for suffix in kepler_v07.GPU_SUFFIXES),
}

REFERRED = (
    FieldCase(
        KEPLER.name,
        "spec.collected-metric",
        None,
        "sources",
        NAMED,
        RenderedCluster({COLLECTED_METRIC.name: {"sources": {"gpu": {"enabled": False}}}}),
        "as its fields say, below",
    ),
    FieldCase(
        KEPLER.name,
        "spec.exported-power",
        None,
        "power",
        LEVELS,
        RenderedCluster({EXPORTED_POWER.name: {"levels": ["node", "process"]}}),
        "as its fields say, below",
    ),
)

FIELDS: tuple[FieldCase, ...] = (
    kepler("scrape-interval", None, "1m", INTERVAL),
    kepler("scape-interval", None, "1m", INTERVAL),
    *REFERRED,
    kepler("collector.release", None, "v0.11", LINE_IMAGE, remark=LINE),
    kepler("collector.image", None, IMAGES[ReleaseLine.V0_7], POD),
    kepler("collector.port", None, 9103, PORT),
    kepler("collector.sample-period", None, "10s", KEYS),
    kepler("collector.log-level", None, 5, KEYS),
    kepler("collector.node-selector", None, {"disk": "ssd"}, POD),
    kepler("collector.tolerations", None, [TOLERATION], POD),
    kepler("collector.resources", None, {"limits": {"cpu": "1"}}, POD),
    kepler("collector.priority-class", None, "system-node-critical", POD),
    kepler("collector.affinity", None, AFFINITY, POD),
    kepler("collector.update-strategy", None, {"type": "OnDelete"}, STRATEGY),
    kepler("collector.env", None, [{"name": "CPU_ARCH_OVERRIDE", "value": "Skylake"}], ENV),
    kepler("collector.image-pull-secrets", None, [{"name": "registry"}], PULLED, model_server={"enabled": True}),
    kepler("collector.runtime-class", None, "nvidia", POD),
    kepler("collector.pod-labels", None, TEAM, DESCRIBES),
    kepler("collector.pod-annotations", None, TEAM, DESCRIBES),
    kepler("collector.service-annotations", None, {"prometheus.io/scrape": "true"}, SERVICE),
    kepler("collector.machine-spec", None, "m5.metal", MACHINE_TYPE, estimator_sidecar={"enabled": True}),
    kepler("collector.redfish.secret", None, "bmcs", BMCS),
    v011("pod-informer", "kubelet"),
    v011("rapl-zones", ["package"]),
    v011("max-terminated", 0),
    v011("web-config.secret", "tls"),
    v011("additional-config", "additions", ADDITIONS, remark="what its key 'config.yaml' says, merged over the rest"),
    kepler("estimator-sidecar.enabled", None, ON, SIDECAR),
    estimator("image", None, f"{MODELS}:v0.7.11", ESTIMATORS_IMAGE),
    estimator("mnt-path", None, "/run", SOCKET, ONLY_TMP),
    estimator("resources", None, LIMITED, BESIDE),
    estimator("env", None, [PROXY], BESIDE),
    *(
        estimator(f"models.{model}.{setting}", None, value, MODEL_CONFIG if (model, setting) in WORKING else UNWORKABLE)
        for model in ("node-total", "node-components", "process-total", "process-components")
        for setting, value in MODEL.items()
    ),
    kepler("model-server.enabled", None, ON, ADDRESS),
    kepler("monitoring.labels", None, TEAM, SELECTED),
    server("image", None, f"{MODELS}:v0.7.11", SERVERS_IMAGE),
    server("port", None, 9000, ADDRESS),
    server("storage.type", None, "claim", SETTINGS),
    server("storage.path", None, "mine", DIRECTORY),
    stored("claim.size", None, "10Gi", CLAIM, StorageType.CLAIM),
    stored("claim.storage-class", None, "fast", CLAIM, StorageType.CLAIM),
    stored("claim.access-mode", None, "ReadWriteMany", CLAIM, StorageType.CLAIM),
    stored("claim.on-delete", None, "Delete", NOT_IN_USE, StorageType.CLAIM),
    stored("hostpath.path", "/var/lib/kepler", "/srv/kepler", SETTINGS, StorageType.HOSTPATH),
    stored("nfs.server", "10.0.0.5", "10.0.0.6", SETTINGS, StorageType.NFS, nfs={"export": "/srv"}),
    stored("nfs.export", "/srv", "/export", SETTINGS, StorageType.NFS, nfs={"server": "10.0.0.5"}),
    stored("external.endpoint", "https://s3", "https://other", RCLONE, StorageType.EXTERNAL, external=EXTERNAL),
    stored("external.region", None, "eu-1", RCLONE, StorageType.EXTERNAL, external=EXTERNAL),
    stored("external.bucket", "kepler", "other", RCLONE, StorageType.EXTERNAL, external=EXTERNAL),
    stored("external.prefix", None, "models", PREFIX, StorageType.EXTERNAL, external=EXTERNAL),
    stored("external.credentials.secret", "one", "other", CREDENTIALS, StorageType.EXTERNAL, external=EXTERNAL),
    stored("external.ca.config-map", None, "authorities", TRUSTED, StorageType.EXTERNAL, external=EXTERNAL),
    stored("external.ca.key", None, "bundle.pem", TRUSTED_KEY, StorageType.EXTERNAL, external=TRUSTING),
    server("pipelines", None, ["http://models/ec2-0.7.11.zip"], SETTINGS),
    server("sampling-period", None, "10m", UNUSED, remark=NOT_TRAINED),
    server("training.online", None, ON, UNTRAINED),
    server("training.prometheus-url", None, PROMETHEUS, UNUSED, remark=NOT_TRAINED),
    server("env", None, [PROXY], PROXIED),
    server("resources", None, LIMITED, EACH_LIMITED),
    server("node-selector", None, {"kubernetes.io/arch": "amd64"}, SERVERS_POD),
    server("tolerations", None, [TOLERATION], SERVERS_POD),
    server("priority-class", None, "system-cluster-critical", SERVERS_POD),
    server("image-pull-secrets", None, [{"name": "models"}], SERVERS_POD),
    server("runtime-class", None, "gvisor", SERVERS_POD),
    server("pod-labels", None, TEAM, SERVER_DESCRIBES),
    server("pod-annotations", None, TEAM, SERVER_DESCRIBES),
    server("service-annotations", None, TEAM, SERVER_DESCRIBES),
    server("training.step", None, "15s", UNUSED, remark=NOT_TRAINED),
    server("training.headers.secret", None, "token", UNUSED, remark=NOT_TRAINED),
    *(
        source(f"{name}.enabled", not on, on, OLD_SWITCH if name in release.LAST_READ else SWITCH)
        for name, on in zip(Source, (False, True, True, False, False, False), strict=True)
    ),
    *(source(f"{source_name}.metrics", None, [metric], LISTED) for source_name, metric in FILTERED.items()),
    source("irq.metrics", None, ["bpf_block_irq"], LISTED),
    source("cgroup.metrics", None, ["cgroupfs_cpu_usage_us"], CGROUPS),
    source("kubelet.metrics", None, ["node_cpu_usage_seconds_total"], UNREAD, kubelet={"enabled": True}),
    power("levels", None, ["node", "process", "vm"], LEVELS),
    power("metrics", None, ["cpu_cycles"], DROPPED),
    power("idle-power", None, ON, IDLE),
    machines("roles", None, ["master", "worker"], FEATURE, cgroup_v2=True, allow_reboot=True),
    machines("kernel-devel", None, ON, FEATURE, allow_reboot=True),
    machines("cgroup-v2", None, ON, FEATURE, allow_reboot=True),
    machines("allow-reboot", None, ON, FEATURE, cgroup_v2=True),
    machines("machine-spec.<name>.processor", None, "intel_xeon_platinum_8259cl", DESCRIBED),
    machines("machine-spec.<name>.cores", None, 96, DESCRIBED),
    machines("machine-spec.<name>.chips", None, 2, DESCRIBED),
    machines("machine-spec.<name>.memory", None, 377, DESCRIBED),
    machines("machine-spec.<name>.frequency", None, 3500, DESCRIBED),
)
