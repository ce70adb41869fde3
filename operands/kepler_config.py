"""The configuration of Kepler v0.11: `config.yaml` in ConfigMap `kepler-config`, and what a user merges over it.

Kepler reads one file at its start (KEP v0.11.4:config/config.go), so one function writes it. Pure.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import yaml

from crds.collector_fields import PodInformer
from crds.kepler import Kepler
from crds.kepler_exported_power import KeplerExportedPowerSpec, Level
from operands import children, engine_v011, redfish, web_config
from runtime.objects import Manifest, Ref
from runtime.outcome import Intent

Document = dict[str, Any]

# `collector.log-level` from here on is 'debug'; Kepler v0.7 prints what v0.11 calls 'info' at every level.
DEBUG_LEVEL: Final = 4

# Level of a KeplerExportedPower -> level of Kepler v0.11; 'package' is a zone, of every level.
LEVELS: Final[Mapping[Level, str]] = {
    Level.NODE: "node",
    Level.POD: "pod",
    Level.CONTAINER: "container",
    Level.PROCESS: "process",
    Level.VM: "vm",
}


def ref(key: Ref) -> Ref:
    """Return the ConfigMap with the configuration, for the Kepler `key`."""
    return children.kepler_config(key)


def document(kepler: Kepler, power: KeplerExportedPowerSpec, *, gpu: bool) -> Document:
    """Return the configuration that the resources ask for; `gpu`: energy of GPUs is measured.

    Every bool is written, since Kepler panics at a blank one; `experimental` only where one of its parts is on, since
    Kepler drops it otherwise.
    """
    collector = kepler.spec.collector
    most = engine_v011.MAX_TERMINATED if collector.max_terminated is None else collector.max_terminated
    informer = collector.pod_informer or PodInformer.API_SERVER
    parts = {"platform": _redfish(kepler), "gpu": {"enabled": True, "idlePower": 0} if gpu else None}
    experimental = {name: part for name, part in parts.items() if part}
    return {
        "log": {"level": "debug" if collector.log_level >= DEBUG_LEVEL else "info", "format": "text"},
        "host": {"sysfs": engine_v011.HOST_SYS, "procfs": engine_v011.HOST_PROC},
        "monitor": {
            "interval": f"{collector.sample_period}s",
            "staleness": engine_v011.STALENESS,
            "maxTerminated": most,
            "minTerminatedEnergyThreshold": engine_v011.LEAST_TERMINATED_JOULES,
        },
        **({"rapl": {"zones": [zone.value for zone in collector.rapl_zones]}} if collector.rapl_zones else {}),
        "exporter": {
            "stdout": {"enabled": False},
            "prometheus": {"enabled": True, "debugCollectors": ["go"], "metricsLevel": metrics_level(power)},
        },
        "web": {"listenAddresses": [f":{collector.port}"], **_web_config(kepler)},
        "debug": {"pprof": {"enabled": False}},
        "kube": {
            "enabled": True,
            "podInformer": {"mode": informer.value, "pollInterval": engine_v011.POLL_INTERVAL},
        },
        **({"experimental": experimental} if experimental else {}),
    }


def metrics_level(power: KeplerExportedPowerSpec) -> list[str]:
    """Return Kepler's levels. An empty list would mean all levels, so for 'package' alone it is that of nodes."""
    return [name for level, name in LEVELS.items() if level in power.levels] or [LEVELS[Level.NODE]]


def _redfish(kepler: Kepler) -> Document | None:
    if not kepler.spec.collector.redfish.secret:
        return None
    return {"redfish": {"enabled": True, "configFile": redfish.CONFIG_FILE, "httpTimeout": "5s"}}


def _web_config(kepler: Kepler) -> dict[str, str]:
    named = kepler.spec.collector.web_config.secret
    return {"configFile": f"{web_config.DIRECTORY}/{web_config.FILE}"} if named else {}


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Document:
    """Return `base` with `over` merged into it: maps by key, anything else is replaced."""
    result = dict(base)
    for name, value in over.items():
        before = result.get(name)
        result[name] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return result


def text(content: Mapping[str, Any]) -> str:
    """Return the configuration as the file's text."""
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True)


def digest(written: str) -> str:
    """Return a hash of the file's text, for the pod template."""
    return hashlib.sha256(written.encode()).hexdigest()[:16]


def intent(parent: Manifest, key: Ref, written: str) -> Intent:
    """Return the ConfigMap with the file."""
    data = {"data": {engine_v011.CONFIG_FILE: written}}
    return children.child(parent, ref(key), "config", data)
