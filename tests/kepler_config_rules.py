"""What Kepler v0.11 accepts as `config.yaml`, written from its source and not from ours: an independent check.

Types, defaults and bounds are those of kepler v0.11.4:config/config.go. A bare number is no duration, Kepler panics at
a blank bool, an empty list of levels means all of them, and `experimental` is dropped unless one of its parts is on.
Files and directories have to be in the pod: host directories at the mounts of the node's own, and Secrets' files among
the items that are mounted.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from runtime.objects import Manifest

SPAN = re.compile(r"([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+")
LISTEN = re.compile(r"([A-Za-z0-9.-]*|\[[0-9a-f:]+\]):([0-9]{1,5})")
ZONES = {"psys", "package", "core", "uncore", "dram"}
LEVELS = {"node", "process", "container", "vm", "pod"}
BOOL, SPANS, INT, FLOAT, TEXT, LIST, MAPS = "bool", "duration", "int", "float", "text", "list", "list of maps"
# Every key that v0.11.4 reads, and its type.
TYPES: Mapping[str, str] = {
    "log.level": TEXT,
    "log.format": TEXT,
    "host.sysfs": TEXT,
    "host.procfs": TEXT,
    "monitor.interval": SPANS,
    "monitor.staleness": SPANS,
    "monitor.maxTerminated": INT,
    "monitor.minTerminatedEnergyThreshold": INT,
    "rapl.zones": LIST,
    "exporter.stdout.enabled": BOOL,
    "exporter.prometheus.enabled": BOOL,
    "exporter.prometheus.debugCollectors": LIST,
    "exporter.prometheus.metricsLevel": LIST,
    "web.listenAddresses": LIST,
    "web.configFile": TEXT,
    "debug.pprof.enabled": BOOL,
    "dev.fake-cpu-meter.enabled": BOOL,
    "dev.fake-cpu-meter.zones": LIST,
    "kube.config": TEXT,
    "kube.enabled": BOOL,
    "kube.nodeName": TEXT,
    "kube.podInformer.mode": TEXT,
    "kube.podInformer.pollInterval": SPANS,
    "experimental.platform.redfish.enabled": BOOL,
    "experimental.platform.redfish.configFile": TEXT,
    "experimental.platform.redfish.nodeName": TEXT,
    "experimental.platform.redfish.httpTimeout": SPANS,
    "experimental.gpu.enabled": BOOL,
    "experimental.gpu.idlePower": FLOAT,
    "experimental.hwmon.enabled": BOOL,
    "experimental.hwmon.zones": LIST,
    "experimental.hwmon.chipRules": MAPS,
}
# Parts of the file that older releases do not read -> the first release that does.
SINCE: Mapping[str, tuple[int, int, int]] = {
    "experimental.platform": (0, 11, 0),
    "experimental.hwmon": (0, 11, 4),
    "experimental.gpu": (0, 11, 4),
}
RELEASE = (0, 11, 4)
REDFISH_FILE = "experimental.platform.redfish.configFile"


@dataclass(frozen=True)
class ProgramStart:
    """What a start of Kepler depends on besides the file: the pod's spec, the release, and RAPL's zones on the node."""

    pod: Manifest
    release: tuple[int, ...] = RELEASE
    zones: Collection[str] = frozenset(ZONES)

    @property
    def arguments(self) -> Mapping[str, str]:
        """The flags, by name."""
        pairs = [flag.removeprefix("--").partition("=") for flag in self.pod["containers"][0]["args"]]
        return {name: value for name, _, value in pairs}

    def host_path(self, path: str) -> str:
        """Return the directory of the node that is mounted at this path; empty if none is."""
        volumes = {volume["name"]: volume for volume in self.pod["volumes"]}
        mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in self.pod["containers"][0]["volumeMounts"]}
        return str(mounts.get(path, {}).get("hostPath", {}).get("path", ""))

    def has_file(self, path: str) -> bool:
        """Return whether a volume with this file is mounted: a file of a Secret or of the pod's metadata is an item."""
        volumes = {volume["name"]: volume for volume in self.pod["volumes"]}
        for mount in self.pod["containers"][0]["volumeMounts"]:
            if PurePosixPath(path).is_relative_to(mount["mountPath"]):
                volume = volumes[mount["name"]]
                files = (volume.get("secret") or volume.get("downwardAPI") or {}).get("items", ())
                return PurePosixPath(path).relative_to(mount["mountPath"]).as_posix() in {
                    file["path"] for file in files
                }
        return False


def violations(text: str, start: ProgramStart) -> list[str]:
    """Return what of a `config.yaml` Kepler v0.11 would exit at, panic at, ignore or misread."""
    document = yaml.safe_load(text)
    values = dict(leaves(document))
    unknown = [f"{path} is unknown" for path in values if path not in TYPES]
    typed = [
        f"{path} is {value!r}, no {TYPES[path]}"
        for path, value in values.items()
        if path in TYPES and not of_type(TYPES[path], value)
    ]
    return unknown + typed + ([*bounds(values), *places(values, start), *meters(values, start)] if not typed else [])


def leaves(document: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value that is no map, by its dotted path; a map without keys, too."""
    for name, value in document.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def of_type(kind: str, value: Any) -> bool:
    """Return whether Go's YAML decoder takes a value for a type."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    items = value if isinstance(value, list) else [None]
    taken = {
        BOOL: isinstance(value, bool),
        INT: number and isinstance(value, int),
        FLOAT: number,
        LIST: all(isinstance(item, str) for item in items),
        MAPS: all(isinstance(item, dict) for item in items),
        SPANS: isinstance(value, str) and SPAN.fullmatch(value) is not None,
        TEXT: isinstance(value, str),
    }
    return taken[kind]


def bounds(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what Kepler's own validation refuses, and what has another effect than it says."""
    if values.get("log.level") not in {"debug", "info", "warn", "error"}:
        yield "log.level"
    if values.get("log.format") not in {"text", "json"}:
        yield "log.format"
    if not 0 < seconds(values["monitor.staleness"]) < seconds(values["monitor.interval"]):
        yield "monitor.staleness is not below monitor.interval"
    if values["monitor.minTerminatedEnergyThreshold"] < 0:
        yield "monitor.minTerminatedEnergyThreshold"
    levels = values["exporter.prometheus.metricsLevel"]
    if not levels or not set(levels) <= LEVELS:
        yield f"exporter.prometheus.metricsLevel is {levels}: empty means all"
    if not {zone.lower() for zone in values.get("rapl.zones", [])} <= ZONES:
        yield "rapl.zones"
    if not set(values["exporter.prometheus.debugCollectors"]) <= {"go", "process"}:
        yield "exporter.prometheus.debugCollectors"
    addresses = [LISTEN.fullmatch(address) for address in values["web.listenAddresses"]]
    if not addresses or not all(match and 1 <= int(match[2]) <= 65535 for match in addresses):
        yield "web.listenAddresses"
    if values.get("kube.podInformer.mode", "kubelet") not in {"kubelet", "apiserver"}:
        yield "kube.podInformer.mode"
    if not values["exporter.prometheus.enabled"]:
        yield "exporter.prometheus.enabled is off: nothing serves /metrics"
    if not values["kube.enabled"]:
        yield "kube.enabled is off: no pod has a name"
    if values.get("experimental.gpu.idlePower", 0) < 0:
        yield "experimental.gpu.idlePower is negative"


def places(values: Mapping[str, Any], start: ProgramStart) -> Iterator[str]:
    """Yield files and directories that are not in the pod, and a node's name that is missing."""
    for key, directory in (("host.sysfs", "/sys"), ("host.procfs", "/proc")):
        if start.host_path(values[key]) != directory:
            yield f"{key} is '{values[key]}', where the node's {directory} is not mounted"
    files = {key: values.get(key) for key in ("web.configFile", "kube.config", REDFISH_FILE)}
    yield from (f"{key} '{file}' is not mounted" for key, file in files.items() if file and not start.has_file(file))
    if not start.has_file(start.arguments.get("config.file", "")):
        yield "--config.file is not mounted"
    if not (start.arguments.get("kube.node-name") or values.get("kube.nodeName")):
        yield "kube.nodeName is required, and --kube.node-name is not given"


def meters(values: Mapping[str, Any], start: ProgramStart) -> Iterator[str]:
    """Yield what leaves Kepler without a meter, and parts of `experimental` that it drops, ignores or exits at."""
    if (zones := {zone.lower() for zone in values.get("rapl.zones", [])}) and not zones & {*start.zones}:
        yield f"rapl.zones leaves none of {', '.join(sorted(start.zones))}"
    if values.get("dev.fake-cpu-meter.enabled", False):
        yield "dev.fake-cpu-meter.enabled is on: power is made up"
    if values.get("experimental.platform.redfish.enabled", False) and not values.get(REDFISH_FILE):
        yield "experimental.platform.redfish has no configFile"
    parts = ("platform.redfish", "hwmon", "gpu")
    written = any(path.startswith("experimental.") for path in values)
    if written and not any(values.get(f"experimental.{part}.enabled", False) for part in parts):
        yield "experimental is dropped whole"
    for part, first in SINCE.items():
        if start.release < first and any(path.startswith(f"{part}.") for path in values):
            yield f"{part} is not read before v{'.'.join(map(str, first))}"


def seconds(span: str) -> float:
    """Return the seconds of a duration as Go writes it."""
    units = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([0-9.]+)(ns|us|ms|s|m|h)", span))
