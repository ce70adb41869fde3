"""How Kepler v0.7.12 and its model server read their configuration: readers written from their sources.

Both look for a directory with one file a key, as the kubelet mounts a ConfigMap, and both know an environment; which of
the two wins differs. Sources are named by repository of github.com/sustainable-computing-io, tag and file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.objects import Manifest

Value = str | bool | int

# Every key that kepler v0.7.12:pkg/config/config.go reads while it starts, and what holds without it; a default's type
# is what the key is read as. METRIC_PATH and BIND_ADDRESS, whose defaults are flags, are below.
EXPORTER_KEYS: Mapping[str, Value] = {
    "KEPLER_NAMESPACE": "kepler",
    "ENABLE_EBPF_CGROUPID": True,
    "ENABLE_GPU": False,
    "ENABLE_MSR": False,
    "ENABLE_PROCESS_METRICS": False,
    "EXPOSE_CONTAINER_METRICS": True,
    "EXPOSE_VM_METRICS": True,
    "EXPOSE_HW_COUNTER_METRICS": True,
    "EXPOSE_IRQ_COUNTER_METRICS": True,
    "EXPOSE_BPF_METRICS": True,
    "EXPOSE_COMPONENT_POWER": True,
    "EXPOSE_ESTIMATED_IDLE_POWER_METRICS": False,
    "ENABLE_API_SERVER": False,
    "MOCK_ACPI_POWER_PATH": "",
    "MAX_LOOKUP_RETRY": 500,
    "KUBE_CONFIG": "",
    "EXPERIMENTAL_BPF_SAMPLE_RATE": 0,
    "ESTIMATOR_MODEL": "",
    "ESTIMATOR_SELECT_FILTER": "",
    "CPU_ARCH_OVERRIDE": "",
    "SAMPLE_PERIOD_SEC": 3,
    "CORE_USAGE_METRIC": "cpu_instructions",
    "DRAM_USAGE_METRIC": "cache_miss",
    "UNCORE_USAGE_METRIC": "",
    "GPU_USAGE_METRIC": "gpu_compute_util",
    "GENERAL_USAGE_METRIC": "",
    "REDFISH_CRED_FILE_PATH": "",
    "REDFISH_PROBE_INTERVAL_IN_SECONDS": "60",
    "REDFISH_SKIP_SSL_VERIFY": True,
    "LIBVIRT_METADATA_URI": "",
    "LIBVIRT_METADATA_TOKEN": "name",
    "NVIDIA_HOSTENGINE_ENDPOINT": "localhost:5555",
    "MODEL_SERVER_ENABLE": False,
    "MODEL_SERVER_URL": "kepler-model-server",
    "MODEL_SERVER_PORT": "8100",
    "MODEL_SERVER_MODEL_REQ_PATH": "/model",
    "MODEL_CONFIG": "",
    "NODE_TOTAL_POWER_KEY": "NODE_TOTAL",
    "NODE_COMPONENTS_POWER_KEY": "NODE_COMPONENTS",
    "CONTAINER_TOTAL_POWER_KEY": "CONTAINER_TOTAL",
    "CONTAINER_COMPONENTS_POWER_KEY": "CONTAINER_COMPONENTS",
    "PROCESS_TOTAL_POWER_KEY": "PROCESS_TOTAL",
    "PROCESS_COMPONENTS_POWER_KEY": "PROCESS_COMPONENTS",
}

# Flags of kepler v0.7.12:cmd/exporter/exporter.go, their defaults, and klog's `-v`.
EXPORTER_FLAGS: Mapping[str, Value] = {
    "address": "0.0.0.0:8888",
    "metrics-path": "/metrics",
    "enable-gpu": False,
    "enable-cgroup-id": True,
    "expose-hardware-counter-metrics": True,
    "enable-msr": False,
    "kubeconfig": "",
    "apiserver": True,
    "redfish-cred-file-path": "",
    "expose-estimated-idle-power": False,
    "machine-spec": "",
    "disable-power-meter": False,
    "v": 0,
}

# What the API server's downward API and Secrets would fill in.
ELSEWHERE = "from elsewhere"


def words(text: str) -> dict[str, str]:
    """`MODEL_CONFIG` to the exporter: words of exactly one '='.

    kepler v0.7.12:pkg/config/config.go, GetModelConfigMap.
    """
    split = [word.split("=") for word in text.split()]
    return {parts[0]: parts[1] for parts in split if len(parts) == 2}


def lines(text: str) -> dict[str, str]:
    """`MODEL_CONFIG` to the estimator: lines, each up to its '#', and of that the first two parts between '='.

    kepler-model-server v0.7.12:src/kepler_model/util/config.py, set_env_from_model_config.
    """
    split = [line.strip().split("#")[0].strip().split("=") for line in text.splitlines()]
    return {parts[0].strip(): parts[1].strip() for parts in split if len(parts) > 1}


def mounted(data: Mapping[str, str], directory: Path) -> Path:
    """A ConfigMap as the kubelet mounts it: one file a key, behind a link that moves when it changes."""
    (directory / "..1").mkdir(parents=True)
    (directory / "..data").symlink_to("..1")
    for key, value in data.items():
        (directory / "..1" / key).write_text(value)
        (directory / key).symlink_to(Path("..data", key))
    return directory


def environment(container: Manifest) -> dict[str, str]:
    """A container's own environment; values that are taken from elsewhere only say so."""
    entries = container.get("env") or ()
    return {entry["name"]: ELSEWHERE if "valueFrom" in entry else entry.get("value", "") for entry in entries}


@dataclass(frozen=True)
class Exporter:
    """The exporter's configuration: environment, then file, then default, or, for two keys, a flag."""

    files: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()

    def text(self, key: str, default: str) -> str:
        """A value; what a file says is trimmed (getConfig)."""
        if key in self.environment:
            return self.environment[key]
        file = self.files / key
        return file.read_text().strip() if file.exists() else default

    def true(self, key: str, *, default: bool) -> bool:
        """A switch: 'true', in any case, and nothing else (getBoolConfig)."""
        return self.text(key, str(default)).lower() == "true"

    def number(self, key: str, default: int) -> int:
        """A whole number, and the default where it is none (getIntConfig)."""
        written = self.text(key, str(default))
        return int(written) if re.fullmatch(r"[+-]?[0-9]+", written) else default

    def value(self, key: str) -> Value:
        """A key as what it is read as."""
        match EXPORTER_KEYS[key]:
            case bool(default):
                return self.true(key, default=default)
            case int(default):
                return self.number(key, default)
            case default:
                return self.text(key, default)

    def flag(self, name: str) -> Value:
        """A flag as what it is read as (package flag: `-name=value`)."""
        given = dict(argument.removeprefix("-").split("=", 1) for argument in self.arguments)
        assert given.keys() <= EXPORTER_FLAGS.keys(), "an unknown flag ends the exporter"
        default = EXPORTER_FLAGS[name]
        written = given.get(name, str(default))
        if isinstance(default, bool):
            return written.lower() == "true"
        return int(written) if isinstance(default, int) else written

    def settings(self) -> dict[str, Value]:
        """Every key, once the flags have had their say (SetEnabled...), and where it listens and answers."""
        read = {key: self.value(key) for key in EXPORTER_KEYS}
        return read | {
            "ENABLE_EBPF_CGROUPID": read["ENABLE_EBPF_CGROUPID"] and self.flag("enable-cgroup-id"),
            "EXPOSE_HW_COUNTER_METRICS": read["EXPOSE_HW_COUNTER_METRICS"]
            and self.flag("expose-hardware-counter-metrics"),
            "ENABLE_GPU": read["ENABLE_GPU"] or self.flag("enable-gpu"),
            "ENABLE_MSR": read["ENABLE_MSR"] or self.flag("enable-msr"),
            "EXPOSE_ESTIMATED_IDLE_POWER_METRICS": read["EXPOSE_ESTIMATED_IDLE_POWER_METRICS"]
            or self.flag("expose-estimated-idle-power"),
            "ENABLE_API_SERVER": self.flag("apiserver"),
            "KUBE_CONFIG": self.flag("kubeconfig"),
            "BIND_ADDRESS": self.text("BIND_ADDRESS", str(self.flag("address"))),
            "METRIC_PATH": self.text("METRIC_PATH", str(self.flag("metrics-path"))),
        }

    def model_server(self) -> str:
        """Where it asks for weights; only its own default gets the port (setModelServerReqEndpoint)."""
        url = self.text("MODEL_SERVER_URL", "kepler-model-server")
        if url == "kepler-model-server":
            url = f"http://{url}:{self.text('MODEL_SERVER_PORT', '8100')}"
        return url + self.text("MODEL_SERVER_MODEL_REQ_PATH", "/model")

    def model(self, prefix: str) -> tuple[str, str, str]:
        """How a power is estimated, by whose models, and which of them (kepler v0.7.12:pkg/model/model.go)."""
        settings = words(self.text("MODEL_CONFIG", ""))
        trainer, filters = settings.get(f"{prefix}_TRAINER", ""), settings.get(f"{prefix}_FILTERS", "")
        if settings.get(f"{prefix}_ESTIMATOR", "").lower() == "true":
            return "EstimatorSidecar", trainer, filters
        if settings.get(f"{prefix}_LOCAL_REGRESSOR", "").lower() == "true" or prefix.startswith("NODE"):
            return "Regressor", trainer or "SGDRegressorTrainer", filters
        return "Ratio", "", ""


# The models' database of kepler-model-server v0.7.12:src/kepler_model/util/loader.py.
MODEL_TOPURL = "https://raw.githubusercontent.com/sustainable-computing-io/kepler-model-db/main/models/v0.7"
PIPELINES = tuple(f"{MODEL_TOPURL}/{name}-0.7.11.zip" for name in ("ec2", "specpower"))

# What a model of the whole, and one of components, is about (get_energy_source).
SOURCES: Mapping[str, str] = {"TOTAL": "acpi", "COMPONENTS": "rapl-sysfs"}


@dataclass(frozen=True)
class ImageProgram:
    """A program of the model server's image: file, then environment, then default, all trimmed.

    kepler-model-server v0.7.12:src/kepler_model/util/config.py, getConfig.
    """

    files: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def text(self, key: str, default: str) -> str:
        """A value."""
        file = self.files / key
        return (file.read_text() if file.exists() else self.environment.get(key, default)).strip()


class Estimator(ImageProgram):
    """`estimator`: takes `MODEL_CONFIG` into its environment at its start (estimate/estimator.py)."""

    def asks_model_server(self) -> bool:
        """`is_model_server_enabled`."""
        return self.text("MODEL_SERVER_ENABLE", "false").lower() == "true"

    def model_server(self) -> tuple[str, str]:
        """Where it asks for models and for their list (`_model_server_endpoint`)."""
        own = "kepler-model-server.kepler.svc.cluster.local"
        url = self.text("MODEL_SERVER_URL", own)
        if url == own:
            url = f"http://{url}:{int(self.text('MODEL_SERVER_PORT', '8100'))}"
        paths = ("MODEL_SERVER_MODEL_REQ_PATH", "/model"), ("MODEL_SERVER_MODEL_LIST_PATH", "/best-models")
        request, listed = (url + self.text(*path) for path in paths)
        return request, listed

    def init_url(self, source: str) -> str:
        """Where a model comes from that no model server has, empty for Kepler's own (`get_init_model_url`).

        The first name that is about the energy source counts, which is a node's, whatever is to be estimated.
        """
        started = ImageProgram(self.files, {**self.environment, **lines(self.text("MODEL_CONFIG", ""))})
        levels = ("NODE", "CONTAINER", "PROCESS")
        names = [f"{level}_{coverage}" for level in levels for coverage in ("TOTAL", "COMPONENTS")]
        about = next(name for name in names if SOURCES[name.partition("_")[2]] == source)
        return started.text(f"{about}_INIT_URL", "")

    def downloads(self) -> str:
        """Where models are unpacked (`download_path`)."""
        return self.text("MODEL_PATH", f"{self.text('MNT_PATH', '/mnt')}/download")


class ModelServerProgram(ImageProgram):
    """`model-server` (server/model_server.py)."""

    def settings(self) -> dict[str, Any]:
        """The port, the directory of the models, and the archives that are fetched at each start."""
        urls = self.text("INITIAL_PIPELINE_URL", "")
        return {
            "port": int(self.text("MODEL_SERVER_PORT", "8100")),
            "models": self.text("MODEL_PATH", f"{self.text('MNT_PATH', '/mnt')}/models"),
            "pipelines": tuple(urls.split(",")) if urls else PIPELINES,
            "resources": self.text("RESOURCE_DIR", "/tmp/model-server/resources"),
        }
