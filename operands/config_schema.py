"""The keys of Kepler v0.11's `config.yaml`, and the values that Kepler accepts of those that a user may set.

An invalid value makes Kepler exit at its start, on every node at once, so it is found before it is written. Types and
bounds are those of kepler v0.11.4:config/config.go.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Check = Callable[[Any], bool]

# A number and unit, or several (Go's time.ParseDuration); Kepler accepts no bare numbers but 0.
_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
# Seconds; Go's limit is 292 years.
_LONGEST: Final = 365 * 24 * 3600.0


def _duration(value: Any) -> bool:
    if value == "0":
        return True
    if not isinstance(value, str) or not re.fullmatch(f"[+]?({_PART.pattern})+", value):
        return False
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value)) <= _LONGEST


def _bool(value: Any) -> bool:
    return isinstance(value, bool)


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31


def _not_negative(value: Any) -> bool:
    return _integer(value) and value >= 0


def _watts(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _map_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _among(*names: str) -> Check:
    return lambda value: isinstance(value, str) and value in names


def _each(*names: str) -> Check:
    """Return a check for a list of these names."""
    return lambda value: _names(value) and all(item in names for item in value)


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_SWITCH: Final = "'true' or 'false'"
_TIME: Final = "a time with a unit, such as '5s' or '500ms'"

# Keys that fields of a Kepler, or the pod as it is rendered, stand for: a user's `config.yaml` may not set them.
OWNED: Final = frozenset(
    {
        "experimental.gpu.enabled",
        "experimental.platform.redfish.configFile",
        "experimental.platform.redfish.enabled",
        "experimental.platform.redfish.nodeName",
        "exporter.prometheus.enabled",
        "exporter.prometheus.metricsLevel",
        "host.procfs",
        "host.sysfs",
        "kube.config",
        "kube.enabled",
        "kube.nodeName",
        "kube.podInformer.mode",
        "log.level",
        "monitor.interval",
        "monitor.maxTerminated",
        "rapl.zones",
        "web.configFile",
        "web.listenAddresses",
    }
)
# A key that a user may set -> what accepts its values, and the words for those.
FREE: Final[Mapping[str, tuple[Check, str]]] = {
    "log.format": (_among("text", "json"), "'text' or 'json'"),
    "monitor.staleness": (_duration, _TIME),
    "monitor.minTerminatedEnergyThreshold": (_not_negative, "a whole number of joules"),
    "exporter.stdout.enabled": (_bool, _SWITCH),
    "exporter.prometheus.debugCollectors": (_each("go", "process"), "a list of go, process"),
    "debug.pprof.enabled": (_bool, _SWITCH),
    "dev.fake-cpu-meter.enabled": (_bool, _SWITCH),
    "dev.fake-cpu-meter.zones": (_names, "a list of zones"),
    "kube.podInformer.pollInterval": (_duration, _TIME),
    "experimental.platform.redfish.httpTimeout": (_duration, _TIME),
    "experimental.hwmon.enabled": (_bool, _SWITCH),
    "experimental.hwmon.zones": (_names, "a list of zones"),
    "experimental.hwmon.chipRules": (_map_list, "a list of maps"),
    "experimental.gpu.idlePower": (_watts, "watts, as a number"),
}


KEYS: Final = OWNED | FREE.keys()


def invalid(path: str, value: Any) -> str:
    """Return a sentence if Kepler would exit at this value of this key; empty if it accepts it or ignores the key."""
    if path in FREE:
        accepts, words = FREE[path]
        return "" if accepts(value) else f"sets `{path}` to {_shown(value)}, and Kepler accepts {words}"
    if any(known.startswith(f"{path}.") for known in KEYS) and value != {}:
        return f"sets `{path}` to {_shown(value)}, and it is a map of keys"
    return ""


def _shown(value: Any) -> str:
    return "nothing" if value is None else f"'{str(value)[:80]}'"
