"""What Kepler v0.11 accepts as `config.yaml`, written from its source and not from ours: an independent check.

Types, defaults and bounds are those of kepler v0.11.4:config/config.go. A bare number is no duration, Kepler panics at
a blank bool, an empty list of levels means all of them, and `experimental` is dropped unless one of its parts is on.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

SPAN = re.compile(r"([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+")
LISTEN = re.compile(r"([A-Za-z0-9.-]*|\[[0-9a-f:]+\]):([0-9]{1,5})")
ZONES = {"psys", "package", "core", "uncore", "dram"}
LEVELS = {"node", "process", "container", "vm", "pod"}
BOOL, SPANS, INT, TEXT, LIST = "bool", "duration", "int", "text", "list"
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
    "kube.enabled": BOOL,
    "kube.podInformer.mode": TEXT,
    "kube.podInformer.pollInterval": SPANS,
    "experimental.platform.redfish.enabled": BOOL,
    "experimental.platform.redfish.configFile": TEXT,
    "experimental.platform.redfish.httpTimeout": SPANS,
    "experimental.gpu.enabled": BOOL,
    "experimental.gpu.idlePower": INT,
}


def violations(text: str) -> list[str]:
    """Return what of a `config.yaml` Kepler v0.11.4 would exit at, panic at, ignore or misread."""
    document = yaml.safe_load(text)
    values = dict(leaves(document))
    unknown = [f"{path} is unknown" for path in values if path not in TYPES]
    typed = [
        f"{path} is {value!r}, no {TYPES[path]}"
        for path, value in values.items()
        if path in TYPES and not of_type(TYPES[path], value)
    ]
    return unknown + typed + (list(bounds(values)) if not typed else [])


def leaves(document: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value that is no map, by its dotted path; a map without keys, too."""
    for name, value in document.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def of_type(kind: str, value: Any) -> bool:
    """Return whether Go's YAML decoder takes a value for a type."""
    match kind:
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "list":
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case "duration":
            return isinstance(value, str) and SPAN.fullmatch(value) is not None
        case _:
            return isinstance(value, str)


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
    if values["kube.podInformer.mode"] not in {"kubelet", "apiserver"}:
        yield "kube.podInformer.mode"
    yield from experiments(values)


def experiments(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield parts of `experimental` that Kepler drops or exits at."""
    redfish = values.get("experimental.platform.redfish.enabled", False)
    if redfish and not values.get("experimental.platform.redfish.configFile"):
        yield "experimental.platform.redfish has no configFile"
    written = any(path.startswith("experimental.") for path in values)
    if written and not (redfish or values.get("experimental.gpu.enabled", False)):
        yield "experimental is dropped whole"


def seconds(span: str) -> float:
    """Return the seconds of a duration as Go writes it."""
    units = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([0-9.]+)(ns|us|ms|s|m|h)", span))
