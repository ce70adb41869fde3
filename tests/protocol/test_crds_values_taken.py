"""What the API server takes, and the resources' models read again."""

import json

import pytest

from crds.environment import KEPLERS, PROXIES
from crds.kepler import Kepler
from crds.kepler_collected_metric import METRICS
from local.stack import Stack
from tests.protocol.crd_values import DESCRIBING, MODEL, S3, STORAGE, Value, document, machine, metric, nested, power

DIGEST = "@sha256:" + "0" * 64

TAKEN = [
    *(
        Value("scrape-interval", span)
        for span in (30, 1, 86400, "1s", "30s", "1m30s", "90m", "1h", "1h0m1s", "24h", "86400s", None)
    ),
    Value("collector.redfish.secret", "bmcs"),
    *(Value("collector.machine-spec", name) for name in ("m5.metal", "spec.json", None)),
    Value(f"{STORAGE}.external.ca", {"config-map": "authorities", "key": "ca-bundle.crt"}),
    *(Value(field, {"team": "", "example.com/a_B.c": "Energy-1"}) for field in DESCRIBING),
    Value("collector.pod-annotations", {"example.com/note": "Watts, and\nwhy \N{SNOWMAN} " + "x" * 2000}),
    Value("scape-interval", "15s"),
    Value("collected-metric", "team.a-1"),
    Value("exported-power", None),
    *(Value("collector.env", [{"name": name, "value": "x"}]) for name in KEPLERS),
    *(Value("model-server.env", [{"name": name, "value": "x"}]) for name in PROXIES),
    *(
        Value("collector.image", image)
        for image in (
            "quay.io/sustainable_computing_io/kepler:release-0.7.12",
            "kepler",
            "localhost:5000/kepler:v1_2.3-x",
            "[fd00::1]:5000/kepler",
            "registry.example.com:443/a/b__c/d.e-f" + DIGEST,
            "kepler:v1" + DIGEST,
            "k" * 255,
        )
    ),
    *(Value("collector.port", port) for port in (1, 9102, 65535, None)),
    *(Value("collector.log-level", level) for level in (0, 10)),
    Value("collector.node-selector", {"kubernetes.io/os": "linux", "gpu": "", "a.b/C_d": "E.f-9"}),
    Value("collector.node-selector", {}),
    Value("collector.tolerations", []),
    Value("collector.tolerations", [{"operator": "Exists"}]),
    Value("collector.tolerations", [{"key": "a", "value": "b", "effect": "NoExecute", "tolerationSeconds": 5}]),
    Value("collector.resources", {"requests": {"cpu": "100m", "memory": "400Mi"}, "limits": {"cpu": 1}}),
    Value("collector.priority-class", "system-node-critical"),
    Value("collector.update-strategy", {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}}),
    Value("collector.update-strategy", {"rollingUpdate": {"maxUnavailable": 3}}),
    Value(
        "collector.env", [{"name": "MAX_LOOKUP_RETRY", "value": ""}, {"name": "CPU_ARCH_OVERRIDE", "value": "Skylake"}]
    ),
    Value(
        "collector.env", [{"name": "LIBVIRT_METADATA_TOKEN", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]
    ),
    Value("collector.image-pull-secrets", [{"name": "a"}, {"name": "b"}]),
    Value(
        "collector.affinity",
        {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "bare-metal", "operator": "Exists"}]}]
                }
            }
        },
    ),
    Value("estimator-sidecar.mnt-path", "/tmp"),
    Value(f"{MODEL}.init-url", "http://models.kepler-system.svc/ec2/SGDRegressorTrainer_0.zip"),
    Value(f"{MODEL}.init-url", "file:///models/acpi.zip"),
    Value(f"{MODEL}.filters", "mae:5;features:cpu_cycles"),
    Value(f"{MODEL}.trainer", "GradientBoostingRegressorTrainer"),
    Value(MODEL, None),
    *(Value(STORAGE, {"type": kind}) for kind in ("local", "claim")),
    Value(STORAGE, {"type": "hostpath", "hostpath": {"path": "/var/lib/kepler"}}),
    Value(STORAGE, {"type": "nfs", "nfs": {"server": "fd00::5", "export": "/srv/kepler"}}),
    Value(STORAGE, {"type": "external", "external": S3}),
    Value(f"{STORAGE}.external.prefix", "a/b/"),
    Value(f"{STORAGE}.external.bucket", "my_Bucket"),
    Value(f"{STORAGE}.path", ".models/größe/"),
    *(Value(f"{STORAGE}.nfs.export", path) for path in ("/", "/srv/kepler/", "/srv/.kepler", "/srv/größe")),
    *(Value(f"{STORAGE}.hostpath.path", path) for path in ("/var/lib/.kepler", "/var/lib/kepler/")),
    *(Value(f"{STORAGE}.claim.size", size) for size in ("5Gi", "1.5Ti", 5368709120, 5.5e9, None)),
    *(
        Value(f"{block}.resources", {part: {"cpu": amount}})
        for block in ("collector", "estimator-sidecar", "model-server")
        for part in ("limits", "requests")
        for amount in (0.5, 0.1, 1, "0.5", "500m")
    ),
    *(Value(f"{STORAGE}.claim.storage-class", name) for name in ("", "standard", None)),
    Value(f"{STORAGE}.path", "models/v0.7"),
    Value("model-server.pipelines", ["http://models/ec2-0.7.11.zip", "https://store/a//b/m%2B1.zip"]),
    *(metric(source, list(names)) for source, names in METRICS.items()),
    metric("counter", []),
    power("levels", ["process", "vm"]),
    power("levels", None),
    power("metrics", []),
    machine("roles", ["master", "worker"]),
    machine("roles", []),
    machine("machine-spec", {"m5.metal": {"cores": 96}, "m7i.metal-24xl": {}}),
]


@pytest.mark.parametrize("case", TAKEN, ids=str)
def test_a_value_that_works_is_taken_and_read(control_plane: Stack, case: Value) -> None:
    manifest = document(case.resource, nested(case.path, case.value))
    for how in ((), ("--server-side",)):
        stored = control_plane.kubectl("apply", *how, "--dry-run=server", "-o", "json", "-f", "-", stdin=manifest)
        case.resource.model_validate(json.loads(stored))


def test_a_blank_spelling_beside_the_other_is_taken(control_plane: Stack) -> None:
    manifest = document(Kepler, {"scrape-interval": "30s", "scape-interval": None})
    control_plane.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=manifest)
