"""The configuration of Kepler v0.11: `config.yaml` in ConfigMap `kepler-config`.

Kepler reads one file at its start (kepler v0.11.4:config/config.go), so one of this operator's Knative functions,
`collector`, writes all of it. The content comes from two custom resources: a Kepler, and the KeplerExportedPower that
it refers to, which selects the levels at which power is exported. A user's own ConfigMap is merged over it; field
`spec.collector.additional-config` of the Kepler names that ConfigMap. This module only computes the content and makes
no API call.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import yaml

from crds.collector_fields import PodInformer
from crds.kepler import Kepler
from crds.kepler_exported_power import KeplerExportedPowerSpec, Level
from operands import children, kepler_v011, redfish, web_config
from runtime.objects import Manifest, Ref
from runtime.outcome import Intent

Document = dict[str, Any]

# `spec.collector.log-level` is a number for the verbosity of Kepler v0.7; v0.11 has names instead. From this number on
# the name is 'debug', below it 'info', since v0.7 prints at every verbosity what v0.11 logs as 'info'.
FIRST_DEBUG_LEVEL: Final = 4


def document(kepler: Kepler, power: KeplerExportedPowerSpec, *, gpu: bool) -> Document:
    """Return what the Kepler and its KeplerExportedPower request; with `gpu`, the energy of GPUs is measured.

    Every bool is written, since Kepler panics at a blank one. `experimental` is written only if one of its sections is
    on: Kepler ignores it otherwise.
    """
    collector = kepler.spec.collector
    max_terminated = kepler_v011.MAX_TERMINATED if collector.max_terminated is None else collector.max_terminated
    informer = collector.pod_informer or PodInformer.API_SERVER
    sections = {"platform": _redfish(kepler), "gpu": {"enabled": True, "idlePower": 0} if gpu else None}
    experimental = {name: section for name, section in sections.items() if section}
    return {
        "log": {"level": "debug" if collector.log_level >= FIRST_DEBUG_LEVEL else "info", "format": "text"},
        "host": {"sysfs": kepler_v011.HOST_SYS, "procfs": kepler_v011.HOST_PROC},
        "monitor": {
            "interval": f"{collector.sample_period}s",
            "staleness": kepler_v011.STALENESS,
            "maxTerminated": max_terminated,
            "minTerminatedEnergyThreshold": kepler_v011.LEAST_TERMINATED_JOULES,
        },
        **({"rapl": {"zones": [zone.value for zone in collector.rapl_zones]}} if collector.rapl_zones else {}),
        "exporter": {
            "stdout": {"enabled": False},
            "prometheus": {"enabled": True, "debugCollectors": ["go"], "metricsLevel": metrics_levels(power)},
        },
        "web": {"listenAddresses": [f":{collector.port}"], **_web_config(kepler)},
        "debug": {"pprof": {"enabled": False}},
        "kube": {
            "enabled": True,
            "podInformer": {"mode": informer.value, "pollInterval": kepler_v011.POLL_INTERVAL},
        },
        **({"experimental": experimental} if experimental else {}),
    }


def metrics_levels(power: KeplerExportedPowerSpec) -> list[str]:
    """Return `exporter.prometheus.metricsLevel`: the requested levels without 'package', which v0.11 does not have.

    If 'package' is the only one, return 'node': Kepler reads an empty list as all levels.
    """
    # In v0.11 'package' is no level but a RAPL zone, and the metrics of every level are split by zone.
    levels = [level for level in Level if level in power.levels and level is not Level.PACKAGE]
    return [level.value for level in levels or [Level.NODE]]


def _redfish(kepler: Kepler) -> Document | None:
    if not kepler.spec.collector.redfish.secret:
        return None
    return {"redfish": {"enabled": True, "configFile": redfish.CONFIG_FILE, "httpTimeout": "5s"}}


def _web_config(kepler: Kepler) -> dict[str, str]:
    secret_name = kepler.spec.collector.web_config.secret
    return {"configFile": f"{web_config.DIRECTORY}/{web_config.FILE}"} if secret_name else {}


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Document:
    """Return `base` with `over` merged into it: maps by key, anything else is replaced."""
    result = dict(base)
    for name, value in over.items():
        before = result.get(name)
        result[name] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return result


def text(content: Mapping[str, Any]) -> str:
    """Return the configuration as the text of `config.yaml`, with keys in the given order."""
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True)


def digest(config_text: str) -> str:
    """Return a hash of `config.yaml`, 16 hexadecimal digits: in the pod template, so that a change restarts Kepler."""
    return hashlib.sha256(config_text.encode()).hexdigest()[:16]


def intent(parent: Manifest, key: Ref, config_text: str) -> Intent:
    """Return what to apply for ConfigMap `kepler-config`, which contains `config.yaml` and is owned by the Kepler.

    `parent` is the Kepler as it was read; `key` is its kind, namespace and name.
    """
    data = {"data": {kepler_v011.CONFIG_FILE: config_text}}
    return children.child(parent, children.kepler_config(key), component="config", body=data)
