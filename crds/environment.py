"""Environment variables that a user may set: by name, and no others.

A variable is more than a setting. In the exporter, which is root on its node, `LD_PRELOAD` is a program, and with
`HTTPS_PROXY` or `KUBELET_PORT` its token goes to a place of the user's choice. So what is allowed is listed, and not
what is forbidden.
"""

from typing import Annotated

from pydantic import Field, JsonValue

from crds.fields import CelRule, Core, Each, keyed

KEPLERS = (
    "CORE_USAGE_METRIC",
    "CPU_ARCH_OVERRIDE",
    "DRAM_USAGE_METRIC",
    "ENABLE_EBPF_CGROUPID",
    "ENABLE_MSR",
    "EXPERIMENTAL_BPF_SAMPLE_RATE",
    "GENERAL_USAGE_METRIC",
    "GPU_USAGE_METRIC",
    "LIBVIRT_METADATA_TOKEN",
    "LIBVIRT_METADATA_URI",
    "MAX_LOOKUP_RETRY",
    "NVIDIA_HOSTENGINE_ENDPOINT",
    "REDFISH_CRED_FILE_PATH",
    "REDFISH_PROBE_INTERVAL_IN_SECONDS",
    "REDFISH_SKIP_SSL_VERIFY",
    "UNCORE_USAGE_METRIC",
)
"""What Kepler v0.7.12 reads (pkg/config/config.go) and no field stands for. The environment wins over the configuration
file there (getConfig), so a variable that a field stands for would silently win over the field."""

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy")
"""What Python's and Go's HTTP clients read in their environment."""

EnvVar = Annotated[dict[str, JsonValue], Core("io.k8s.api.core.v1.EnvVar")]


def _among(names: tuple[str, ...], says: str) -> Each:
    listed = ", ".join(f"'{name}'" for name in names)
    return Each(CelRule(f"self.name in [{listed}]", says.replace("{names}", listed), at=".name"))


ExporterEnv = Annotated[
    tuple[EnvVar, ...],
    Field(max_length=64),
    keyed("name"),
    _among(
        KEPLERS,
        "the names in `{field}` must be ones that Kepler reads and no field stands for: {names}; set what a field "
        "stands for there (such as `port` for 'BIND_ADDRESS', `sample-period` for 'SAMPLE_PERIOD_SEC', `log-level` for "
        "'KEPLER_LOG_LEVEL', `estimator-sidecar` for 'MODEL_CONFIG', `model-server` for 'MODEL_SERVER_ENABLE', a "
        "KeplerCollectedMetric for 'ENABLE_GPU'), and proxies for downloads of models in `model-server.env`",
    ),
]

ProxyEnv = Annotated[
    tuple[EnvVar, ...],
    Field(max_length=16),
    keyed("name"),
    _among(PROXIES, "the names in `{field}` must be those of proxies: {names}"),
]
