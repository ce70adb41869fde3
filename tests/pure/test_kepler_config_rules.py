"""The independent check of Kepler v0.11's `config.yaml` sees each mistake that it is there to see."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from operands import kepler_config
from tests.kepler_config_rules import ProgramStart, violations
from tests.pure.test_kepler_config import ZONES, decide, pod, written


@dataclass(frozen=True)
class ConfigMistake:
    """A change of what is rendered for every field, and what the independent check says of it.

    `mutate` changes the pod's spec, `release` and `zones` are what the program and the node are.
    """

    text: str
    wrong: str
    mutate: Callable[[dict[str, Any]], object] = lambda _: None
    release: tuple[int, ...] = (0, 11, 4)
    zones: tuple[str, ...] = ZONES


def without_mount(path: str) -> Callable[[dict[str, Any]], object]:
    """Return a mutation that takes the mount at this path out of the pod."""

    def mutate(spec: dict[str, Any]) -> None:
        container = spec["containers"][0]
        container["volumeMounts"] = [mount for mount in container["volumeMounts"] if mount["mountPath"] != path]

    return mutate


def without_argument(name: str) -> Callable[[dict[str, Any]], object]:
    """Return a mutation that takes a flag out of the exporter's arguments."""

    def mutate(spec: dict[str, Any]) -> None:
        container = spec["containers"][0]
        container["args"] = [argument for argument in container["args"] if not argument.startswith(name)]

    return mutate


REDFISH = "experimental.platform.redfish"
MISTAKES = [
    ConfigMistake("monitor: {interval: 5}", "monitor.interval is 5, no duration"),
    ConfigMistake("monitor: {interval: 1s, staleness: 2s}", "monitor.staleness is not below monitor.interval"),
    ConfigMistake("monitor: {maxTerminated: 1.5}", "monitor.maxTerminated is 1.5, no int"),
    ConfigMistake("monitor: {minTerminatedEnergyThreshold: -1}", "monitor.minTerminatedEnergyThreshold"),
    ConfigMistake("log: {level: trace}", "log.level"),
    ConfigMistake("log: {format: xml}", "log.format"),
    ConfigMistake("nobody: 1", "nobody is unknown"),
    ConfigMistake("host: {sysfs: ''}", "host.sysfs is '', where the node's /sys is not mounted"),
    ConfigMistake("host: {sysfs: /sys}", "host.sysfs is '/sys', where the node's /sys is not mounted"),
    ConfigMistake("host: {sysfs: /host/proc}", "host.sysfs is '/host/proc', where the node's /sys is not mounted"),
    ConfigMistake("host: {procfs: /proc}", "host.procfs is '/proc', where the node's /proc is not mounted"),
    ConfigMistake("", "host.sysfs is '/host/sys', where the node's /sys is not mounted", without_mount("/host/sys")),
    ConfigMistake(
        "exporter: {prometheus: {enabled: false}}", "exporter.prometheus.enabled is off: nothing serves /metrics"
    ),
    ConfigMistake(
        "exporter: {prometheus: {metricsLevel: []}}", "exporter.prometheus.metricsLevel is []: empty means all"
    ),
    ConfigMistake("exporter: {prometheus: {debugCollectors: [x]}}", "exporter.prometheus.debugCollectors"),
    ConfigMistake("web: {listenAddresses: [':0']}", "web.listenAddresses"),
    ConfigMistake("web: {configFile: /etc/other.yaml}", "web.configFile '/etc/other.yaml' is not mounted"),
    ConfigMistake("web: {configFile: /etc/kepler-web/x}", "web.configFile '/etc/kepler-web/x' is not mounted"),
    ConfigMistake(
        "", "web.configFile '/etc/kepler-web/web-config.yaml' is not mounted", without_mount("/etc/kepler-web")
    ),
    ConfigMistake(
        "", f"{REDFISH}.configFile '/etc/redfish/redfish.yaml' is not mounted", without_mount("/etc/redfish")
    ),
    ConfigMistake("experimental: {platform: {redfish: {configFile: /x}}}", f"{REDFISH}.configFile '/x' is not mounted"),
    ConfigMistake("experimental: {platform: {redfish: {configFile: ''}}}", f"{REDFISH} has no configFile"),
    ConfigMistake("experimental: {gpu: {idlePower: -1}}", "experimental.gpu.idlePower is negative"),
    ConfigMistake(
        "experimental: {gpu: {enabled: false}, platform: {redfish: {enabled: false}}}", "experimental is dropped whole"
    ),
    ConfigMistake("", "experimental.gpu is not read before v0.11.4", release=(0, 11, 3)),
    ConfigMistake("", "experimental.platform is not read before v0.11.0", release=(0, 10, 2)),
    ConfigMistake("kube: {enabled: }", "kube.enabled is None, no bool"),
    ConfigMistake("kube: {enabled: false}", "kube.enabled is off: no pod has a name"),
    ConfigMistake("kube: {config: /root/.kube/config}", "kube.config '/root/.kube/config' is not mounted"),
    ConfigMistake("kube: {podInformer: {mode: none}}", "kube.podInformer.mode"),
    ConfigMistake(
        "", "kube.nodeName is required, and --kube.node-name is not given", without_argument("--kube.node-name")
    ),
    ConfigMistake("", "--config.file is not mounted", without_argument("--config.file")),
    ConfigMistake("rapl: {zones: [gpu]}", "rapl.zones"),
    ConfigMistake("rapl: {zones: [psys]}", "rapl.zones leaves none of core, package", zones=("core", "package")),
    ConfigMistake("dev: {fake-cpu-meter: {enabled: true}}", "dev.fake-cpu-meter.enabled is on: power is made up"),
]


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case.wrong)
def test_the_check_sees_what_the_program_would_not_take(case: ConfigMistake) -> None:
    """The independent check itself: it says nothing of what is rendered, and this of the change."""
    outcome = decide(rapl_zones=["package"], web_config={"secret": "tls"}, redfish={"secret": "bmcs"})
    base, spec = yaml.safe_load(written(outcome)), copy.deepcopy(pod(outcome))
    assert violations(written(outcome), ProgramStart(spec)) == []
    case.mutate(spec)
    text = kepler_config.text(kepler_config.merged(base, yaml.safe_load(case.text) or {}))
    assert case.wrong in violations(text, ProgramStart(spec, case.release, case.zones))
