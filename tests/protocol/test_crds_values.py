"""What the API server refuses, and in which words. Each rule of the schemas is broken at least once."""

import re
from collections.abc import Iterator

import pytest
from pydantic import JsonValue

from crds.crd_files import RESOURCES
from crds.environment import PROXIES
from crds.kepler import Kepler
from crds.meta import Resource
from crds.openapi_schema import of
from local.stack import Stack
from tests.protocol.crd_values import DESCRIBING, MODEL, S3, STORAGE, Value, document, machine, metric, nested, power

IMAGE = "such as 'quay.io/sustainable_computing_io/kepler:release-0.7.12'; or leave it out"
INTERVAL = "`scrape-interval` must be whole seconds from '1s' to '24h', written like '30s', '1m30s' or '1h'; or leave"

FIELDS_OWN = (
    *("BIND_ADDRESS", "METRIC_PATH", "SAMPLE_PERIOD_SEC", "KEPLER_LOG_LEVEL", "KEPLER_NAMESPACE", "MODEL_CONFIG"),
    *("CGROUP_METRICS", "ENABLE_GPU", "ENABLE_PROCESS_METRICS", "MODEL_SERVER_URL", "EXPOSE_BPF_METRICS"),
)
# What would send the exporter's token elsewhere, or run something else.
DANGEROUS = (
    *("NODE_NAME", "NODE_IP", "KUBELET_PORT", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "KUBE_CONFIG"),
    *("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "NO_PROXY", "LD_PRELOAD", "LD_LIBRARY_PATH", "GODEBUG", "PATH"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)


def above(requests: dict[str, JsonValue], limits: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """A block of resources."""
    return {"requests": requests, "limits": limits}


REFUSED = [
    *(
        Value("scrape-interval", span, INTERVAL)
        for span in ("", "0s", "500ms", "1.5s", "30", "24h1s", "1s30m", "1d", "-5s")
    ),
    Value("scrape-interval", 0, INTERVAL),
    Value("scrape-interval", 86401, INTERVAL),
    Value("scape-interval", "soon", "`scape-interval` must be whole seconds"),
    Value("collector.sample-period", "0s", "leave it out for '3s'"),
    Value("model-server.sampling-period", "25h", "leave it out for '300s'"),
    Value("model-server.training.step", "0s", "`step` must be whole seconds"),
    Value("collected-metric", "Default", "`collected-metric` must be the name of an object"),
    Value("exported-power", "a..b", "`exported-power` must be the name of an object"),
    Value("collector.image", "", IMAGE),
    Value("collector.image", "kepler:", IMAGE),
    Value("collector.image", "Kepler", IMAGE),
    Value("collector.image", "https://quay.io/kepler", IMAGE),
    Value("collector.image", "quay.io/kepler@sha256:12", IMAGE),
    Value("collector.image", "quay.io/" + "k" * 250, "at most 255 characters"),
    Value("estimator-sidecar.image", "a b", IMAGE),
    Value("model-server.image", "quay.io/", IMAGE),
    *(
        Value("collector.port", port, "`port` must be from 1 to 65535; leave it out for '9102'")
        for port in (0, -1, 65536, 2**31)
    ),
    Value("collector.port", "9102", 'must be of type integer: "string"'),
    Value("model-server.port", 0, "`port` must be from 1 to 65535; leave it out for '8100'"),
    Value("collector.log-level", 11, "`log-level` must be from 0 to 10; leave it out for '1'"),
    Value("collector.log-level", -1, "`log-level` must be from 0 to 10"),
    Value("collector.node-selector", {"-os": "linux"}, "the keys of `node-selector` must be names of node labels"),
    Value("collector.node-selector", {"kubernetes.io/os": "windows"}, "must leave out 'kubernetes.io/os'"),
    Value("collector.node-selector", {"os": "linux!"}, "the values of `node-selector` must be at most 63 letters"),
    Value("collector.tolerations", [{"key": "a", "operator": "exists"}], "`operator` must be 'Exists' or 'Equal'"),
    Value("collector.tolerations", [{"key": "a", "effect": "NoRun"}], "`effect` must be 'NoSchedule'"),
    Value("collector.tolerations", [{"effect": "NoExecute"}], "a toleration without `key` tolerates everything"),
    Value(
        "collector.tolerations",
        [{"key": "a", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 0}],
        "`tolerationSeconds` needs `effect` 'NoExecute'",
    ),
    Value(
        "collector.tolerations",
        [{"key": "a", "operator": "Exists", "value": "b"}],
        "`operator` 'Exists' may not have a `value`",
    ),
    Value("collector.tolerations", [{"kee": "a"}], 'unknown field "spec.collector.tolerations[0].kee"'),
    Value("collector.resources", {"limits": {"memory": "lots"}}, "spec.collector.resources.limits.memory"),
    *(
        Value(f"{block}.resources", resources, f"a request of `{block}.resources.requests` must not be above its limit")
        for block in ("collector", "estimator-sidecar", "model-server")
        for resources in (
            above({"cpu": "2"}, {"cpu": "1"}),
            above({"cpu": 2}, {"cpu": "1500m"}),
            above({"cpu": 0.5}, {"cpu": "499m"}),
            above({"cpu": "2"}, {"cpu": 1.5}),
            above({"memory": "1Gi"}, {"memory": "1000M"}),
        )
    ),
    *(
        Value(
            f"{block}.resources", {part: {"cpu": True}}, f"the amounts of `{block}.resources` must be numbers or text"
        )
        for block in ("collector", "estimator-sidecar", "model-server")
        for part in ("limits", "requests")
    ),
    Value("collector.resources", {"limits": {"cpu": ["1"]}}, "spec.collector.resources.limits.cpu"),
    Value("collector.resources", {"limits": {"cpu": {"a": "1"}}}, "spec.collector.resources.limits.cpu"),
    Value("collector.release", "v0.9", "`release` must be one of 'v0.7', 'v0.11'"),
    Value("collector.pod-informer", "node", "`pod-informer` must be one of 'apiserver', 'kubelet'"),
    Value("collector.rapl-zones", ["core", "core"], "`rapl-zones` must name each at most once"),
    Value("collector.max-terminated", -2, "`max-terminated` must be from -1 to 100000"),
    Value("collector.additional-config", "Mine", "`additional-config` must be the name of an object"),
    Value("collector.web-config.secret", "Mine", "`secret` must be the name of an object"),
    Value("collector.priority-class", "High", "`priority-class` must be the name of an object"),
    Value("collector.affinity", {"nodeAfinity": {}}, 'unknown field "spec.collector.affinity.nodeAfinity"'),
    Value("collector.update-strategy", {"type": "Recreate"}, "`type` must be 'RollingUpdate' or 'OnDelete'"),
    *(
        Value(field, {key: "x"}, f"the keys of `{field.rpartition('.')[2]}` {says}")
        for field in DESCRIBING
        for key, says in (
            ("app.kubernetes.io/name", "must not begin with 'app.kubernetes.io/' or 'sustainable-computing.io/'"),
            ("app.kubernetes.io/version", "must not begin with"),
            ("sustainable-computing.io/config-hash", "must not begin with"),
            ("config.sustainable-computing.io/MODEL_CONFIG", "must not begin with"),
            ("", "must be at most 253 letters"),
            ("-team", "must be at most 253 letters"),
            ("/team", "must be at most 253 letters"),
            ("a/b/c", "must be at most 253 letters"),
            ("team energy", "must be at most 253 letters"),
            ("t" * 64, "must be at most 253 letters"),
            (f"{'d' * 250}/team", "must be at most 253 letters"),
        )
    ),
    *(
        Value(field, {"team": value}, f"the values of `{field.rpartition('.')[2]}` must be at most 63 letters")
        for field in DESCRIBING
        if field.endswith("labels")
        for value in ("a b", "e" * 64)
    ),
    Value("collector.pod-annotations", {"team": "e" * 2049}, "may not be more than 2048"),
    Value("collector.machine-spec", "m5 metal", "`machine-spec` must be a name from `machine-spec`"),
    Value("collector.redfish.secret", "BMC", "`secret` must be the name of an object"),
    Value(f"{STORAGE}.external.ca.config-map", "CA", "`config-map` must be the name of an object"),
    Value(f"{STORAGE}.external.ca.key", "../ca", "`key` must be a key of a ConfigMap"),
    Value("collector.runtime-class", "Nvidia", "`runtime-class` must be the name of an object"),
    Value("estimator-sidecar.env", [{"name": "PYTHONPATH", "value": "x"}], "must be those of proxies: 'HTTPS_PROXY'"),
    Value("model-server.node-selector", {"kubernetes.io/os": "windows"}, "must leave out 'kubernetes.io/os'"),
    Value("model-server.tolerations", [{"effect": "NoExecute"}], "a toleration without `key` tolerates everything"),
    *(
        Value("collector.env", [{"name": name, "value": "x"}], "the names in `env` must be ones that Kepler reads")
        for name in (*FIELDS_OWN, *DANGEROUS, "A", "=", "", "ENABLE_MSR ")
    ),
    *(
        Value(
            "model-server.env",
            [{"name": name, "value": "x"}],
            "must be those of proxies: 'HTTPS_PROXY'",
        )
        for name in (*DANGEROUS, "ALL_PROXY", "MODEL_PATH", "PYTHONPATH")
        if name not in PROXIES
    ),
    Value("model-server.env", [{"value": "x"}], "spec.model-server.env[0].name: Required value"),
    Value("collector.env", [{"value": "x"}], "spec.collector.env[0].name: Required value"),
    Value("collector.env", [{"name": "ENABLE_MSR"}, {"name": "ENABLE_MSR"}], "Duplicate value"),
    Value("collector.image-pull-secrets", [{}], "spec.collector.image-pull-secrets[0].name: Required value"),
    Value("estimator-sidecar.mnt-path", "/mnt", "`mnt-path` must be '/tmp': the exporter and the estimator meet at"),
    Value(f"{MODEL}.init-url", "file://m.zip", "`init-url` must begin with 'http://', 'https://' or 'file:///'"),
    Value(f"{MODEL}.init-url", "file:///a=b.zip", "without spaces, '=' and '#'"),
    Value(f"{MODEL}.init-url", "http://models/m.zip?v=1", "the parsers of `MODEL_CONFIG` cut the line there"),
    Value(f"{MODEL}.init-url", "http://models/m.zip#a", "without spaces, '=' and '#'"),
    Value(f"{MODEL}.init-url", "http://models/a b.zip", "without spaces, '=' and '#'"),
    Value(f"{MODEL}.init-url", "http://m\nNODE_TOTAL_ESTIMATOR", "without spaces, '=' and '#'"),
    Value(f"{MODEL}.trainer", "SGD", "`trainer` must be the name of a trainer, such as 'SGDRegressorTrainer'"),
    Value(f"{MODEL}.filters", "mae=3", "`filters` must be 'name:value' pairs"),
    Value("estimator-sidecar.models.node", {}, 'unknown field "spec.estimator-sidecar.models.node"'),
    Value(STORAGE, {"type": "s3"}, 'supported values: "local", "hostpath", "nfs", "claim", "external"'),
    Value(STORAGE, {"type": "hostpath"}, "`type` 'hostpath' needs `hostpath.path`, such as '/var/lib/kepler'"),
    Value(STORAGE, {"type": "hostpath", "hostpath": {"path": None}}, "`type` 'hostpath' needs `hostpath.path`"),
    *(
        Value(f"{STORAGE}.hostpath.path", path, "`path` must be an absolute path without '..'")
        for path in ("", "data", "/", "/a/../etc", "/a b")
    ),
    Value(STORAGE, {"type": "nfs", "nfs": {"server": "10.0.0.5"}}, "`type` 'nfs' needs `nfs.server`, `nfs.export`"),
    Value(STORAGE, {"type": "nfs", "nfs": {"export": "/srv"}}, "`type` 'nfs' needs"),
    Value(f"{STORAGE}.nfs.server", "a b", "`server` must be a host name or an IP address"),
    Value(f"{STORAGE}.nfs.export", "srv", "`export` must be an absolute path"),
    Value(STORAGE, {"type": "external"}, "`type` 'external' needs `external.endpoint`"),
    *(
        Value(STORAGE, {"type": "external", "external": {**S3, left_out: None}}, "`type` 'external' needs")
        for left_out in S3
    ),
    Value(f"{STORAGE}.external.endpoint", "s3.example.com", "`endpoint` must begin with 'http://' or 'https://'"),
    Value(f"{STORAGE}.external.region", "eu 1", "`region` must be letters, digits and '-'"),
    Value(f"{STORAGE}.external.bucket", "my bucket", "`bucket` must be 3 to 255 letters"),
    Value(f"{STORAGE}.external.prefix", "../up", "`prefix` must be parts of a path joined by '/'"),
    Value(f"{STORAGE}.external.credentials.secret", "S3", "`secret` must be the name of an object"),
    *(
        Value(f"{STORAGE}.path", path, "`path` must be parts of a path joined by '/', without '..' and a leading '/'")
        for path in ("", "/models", "..", "a/../b", "a//b", "a b")
    ),
    *(
        Value(
            f"{STORAGE}.claim.size",
            size,
            f"`{STORAGE}.claim.size` must be an amount greater than 0, such as '5Gi'; leave it out for '5Gi'",
        )
        for size in (0, -1, -0.5, "0", "-5Gi", "much", "5 GB", "", True)
    ),
    Value(f"{STORAGE}.claim.storage-class", "Fast SSD", "`storage-class` must be the name of a StorageClass"),
    Value(f"{STORAGE}.claim.access-mode", "RWO", 'supported values: "ReadWriteOnce"'),
    Value(f"{STORAGE}.claim.on-delete", "Keep", 'supported values: "Retain", "Delete"'),
    Value("model-server.pipelines", ["/m.zip"], "each of `pipelines` must begin with 'http://' or 'https://'"),
    Value("model-server.pipelines", ["http://a/m.zip,http://b/n.zip"], "spaces, ',' and '#' are not allowed"),
    *(
        Value("model-server.pipelines", [f"https://a/{name}"], "and end with the name of an archive")
        for name in ("m.zip?token=a", "m", "m.tar.gz", ".zip", "..zip", "...zip", "m.zip/", "m.zip#a")
    ),
    *(
        Value(
            "model-server.pipelines", ["http://a/m.zip", second], "`pipelines` must not name two archives of one name"
        )
        for second in ("http://a/m.zip", "http://b/c/m.zip", "http://b/m.zip.zip")
    ),
    Value("model-server.training.prometheus-url", "prometheus:9090", "`prometheus-url` must begin with"),
    Value("model-server.training.headers.secret", "A", "`secret` must be the name of an object"),
    Value("model-server.enabled", "enabled", 'must be of type boolean: "string"'),
    metric("counter", ["cached_miss"], "'cached_miss' is now 'cache_miss'"),
    metric("counter", ["cpu_cycles", "cpu_instr"], "spec.sources.counter.metrics[1]"),
    metric("counter", ["cpu_cycles", "cpu_cycles"], "Duplicate value"),
    metric("cgroup", ["cpu_cycles"], "'cgroupfs_cpu_usage_us'"),
    metric("kubelet", ["cpu_cycles"], "'node_cpu_usage_seconds_total'"),
    metric("gpu", ["gpu_sm_util"], "'gpu_sm_util' is now 'gpu_compute_util'"),
    metric("bpf", ["cpu_time"], "'cpu_time' is now 'bpf_cpu_time_ms'"),
    metric("irq", ["irq"], "`metrics` must be one of 'bpf_net_tx_irq', 'bpf_net_rx_irq', 'bpf_block_irq'"),
    power("levels", ["cluster"], 'supported values: "node", "package", "pod", "container", "process", "vm"'),
    power("levels", ["node", "node"], "`levels` must name each at most once"),
    power("levels", [], "`levels` must name one level or more; leave it out for 'node', 'package', 'pod', 'container'"),
    power("metrics", ["cached_miss"], "'cached_miss' is now 'cache_miss', 'cpu_time' 'bpf_cpu_time_ms'"),
    machine("roles", ["infra"], "`roles` must be one of 'master', 'worker'; pools of your own take what 'worker' gets"),
    machine("roles", ["worker", "worker"], "`roles` must name each at most once"),
    machine("machine-spec", {"m5 metal": {}}, "the names in `machine-spec` must be letters, digits"),
    machine(
        "machine-spec.m5.processor", "Intel Xeon", "`processor` must be the processor's name in lower-case letters"
    ),
    machine("machine-spec.m5.cores", 0, "`cores` must be from 1 to 65536"),
    machine("machine-spec.m5.chips", 0, "`chips` must be from 1 to 1024"),
    machine("machine-spec.m5.memory", 0, "`memory` must be from 1 to 1048576 (GiB)"),
    machine("machine-spec.m5.frequency", 0, "`frequency` must be from 1 to 100000 (MHz)"),
]


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_a_value_that_cannot_work_is_refused_with_what_to_write_instead(control_plane: Stack, case: Value) -> None:
    manifest = document(case.resource, nested(case.path, case.value))
    with pytest.raises(Exception, match=re.escape(case.says)):
        control_plane.kubectl("apply", "--dry-run=server", "-f", "-", stdin=manifest)


def test_both_spellings_of_the_scrape_interval_at_once_are_refused(control_plane: Stack) -> None:
    manifest = document(Kepler, {"scrape-interval": "30s", "scape-interval": "30s"})
    with pytest.raises(Exception, match="keep only `scrape-interval`"):
        control_plane.kubectl("apply", "--dry-run=server", "-f", "-", stdin=manifest)


def test_a_name_too_long_for_a_label_is_refused(control_plane: Stack) -> None:
    fits, too_long = (document(Kepler, {}, name="k" * length) for length in (63, 64))
    control_plane.kubectl("apply", "--dry-run=server", "-f", "-", stdin=fits)
    with pytest.raises(Exception, match=r"`metadata\.name` must be at most 63 characters"):
        control_plane.kubectl("apply", "--dry-run=server", "-f", "-", stdin=too_long)


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=lambda resource: resource.names.kind)
def test_each_rule_is_broken_by_a_value_above(resource: type[Resource]) -> None:
    sayses = [case.says for case in REFUSED if case.resource is resource]
    sayses += ["keep only `scrape-interval`", "`metadata.name` must be at most 63"]
    unbroken = [message for message in messages(of(resource)) if not any(part and part in message for part in sayses)]
    assert not unbroken, "add a value that breaks each of these rules to the cases above"


def messages(node: JsonValue) -> Iterator[str]:
    """What each rule of a schema says."""
    match node:
        case {"rule": str(), "message": str(message)}:
            yield message
        case dict():
            for value in node.values():
                yield from messages(value)
        case list():
            for value in node:
                yield from messages(value)
