"""`config.yaml` of Kepler v0.11: what of the resources is in it, and what a user merges over it."""

import random
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from functions import collector
from operands import additional_config, children
from runtime.objects import COLLECTED_METRIC, CONFIG_MAP, EXPORTED_POWER, Ref
from runtime.outcome import Outcome
from tests.kepler_config_rules import ProgramStart, leaves, violations
from tests.pure.test_exporter import KEY, observed, parent

RELEASE = {"release": "v0.11"}
USERS = Ref(CONFIG_MAP, "energy", "mine")
SPANS = ("1s", "3s", "90s", "1h", 5)
ZONES = ("psys", "package", "core", "uncore", "dram")
LEVELS = ("node", "package", "pod", "container", "process", "vm")


@dataclass(frozen=True)
class Around:
    """What a Kepler of line v0.11 refers to: a KeplerExportedPower, a KeplerCollectedMetric, a user's `config.yaml`."""

    power: dict[str, Any] | None = None
    sources: dict[str, Any] | None = None
    config: str | None = None


def decide(around: Around = Around(), **fields: Any) -> Outcome:
    """Return what `collector` wants of a Kepler of line v0.11 with these fields of `collector`."""
    kepler, objects = parent(**RELEASE, **fields), {}
    if around.power is not None:
        kepler["spec"]["exported-power"] = "power"
        objects[Ref(EXPORTED_POWER, "energy", "power")] = {"metadata": {"name": "power"}, "spec": around.power}
    if around.sources is not None:
        kepler["spec"]["collected-metric"] = "sources"
        spec = {"sources": around.sources}
        objects[Ref(COLLECTED_METRIC, "energy", "sources")] = {"metadata": {"name": "sources"}, "spec": spec}
    if around.config is not None:
        objects[USERS] = {"data": {"config.yaml": around.config}}
    seen = observed(kepler, None)
    return collector.desired(type(seen)(KEY, kepler, {**seen.objects, USERS: None, **objects}, images=seen.images))


def written(outcome: Outcome) -> str:
    """Return the text of `config.yaml` in the ConfigMap."""
    bodies = {intent.ref: intent.body for intent in outcome.intents}
    return str(bodies[children.kepler_config(KEY)]["data"]["config.yaml"])


def pod(outcome: Outcome) -> dict[str, Any]:
    """Return the spec of the exporter's pods."""
    bodies = {intent.ref: intent.body for intent in outcome.intents}
    spec: dict[str, Any] = bodies[children.daemon_set(KEY)]["spec"]["template"]["spec"]
    return spec


def config(around: Around = Around(), **fields: Any) -> dict[str, Any]:
    """Return every key of `config.yaml` by its path."""
    return dict(leaves(yaml.safe_load(written(decide(around, **fields)))))


def test_the_defaults_are_what_the_program_needs() -> None:
    """Every value of the least that has to be rendered, and GPUs, which are no error where there are none."""
    assert yaml.safe_load(written(decide())) == {
        "log": {"level": "info", "format": "text"},
        "host": {"sysfs": "/host/sys", "procfs": "/host/proc"},
        "monitor": {
            "interval": "3s",
            "staleness": "500ms",
            "maxTerminated": 500,
            "minTerminatedEnergyThreshold": 10,
        },
        "exporter": {
            "stdout": {"enabled": False},
            "prometheus": {
                "enabled": True,
                "debugCollectors": ["go"],
                "metricsLevel": ["node", "pod", "container"],
            },
        },
        "web": {"listenAddresses": [":9102"]},
        "debug": {"pprof": {"enabled": False}},
        "kube": {"enabled": True, "podInformer": {"mode": "apiserver", "pollInterval": "15s"}},
        "experimental": {"gpu": {"enabled": True, "idlePower": 0}},
    }


@dataclass(frozen=True)
class ConfigCase:
    """A field of `collector`, and the key that has its value."""

    field: str
    value: Any
    key: str
    expected: Any


CASES = [
    ConfigCase("port", 9103, "web.listenAddresses", [":9103"]),
    ConfigCase("sample_period", "1m30s", "monitor.interval", "90s"),
    ConfigCase("log_level", 3, "log.level", "info"),
    ConfigCase("log_level", 4, "log.level", "debug"),
    ConfigCase("pod_informer", "kubelet", "kube.podInformer.mode", "kubelet"),
    ConfigCase("rapl_zones", ["package", "dram"], "rapl.zones", ["package", "dram"]),
    ConfigCase("max_terminated", -1, "monitor.maxTerminated", -1),
    ConfigCase("max_terminated", 0, "monitor.maxTerminated", 0),
    ConfigCase("web_config", {"secret": "tls"}, "web.configFile", "/etc/kepler-web/web-config.yaml"),
    ConfigCase("redfish", {"secret": "bmcs"}, "experimental.platform.redfish.configFile", "/etc/redfish/redfish.yaml"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.field}={case.value}")
def test_a_field_is_a_key(case: ConfigCase) -> None:
    """And no other value of it is written without the field."""
    assert config(**{case.field: case.value})[case.key] == case.expected


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (["pod"], ["pod"]),
        (["vm", "process", "container"], ["container", "process", "vm"]),
        (["package"], ["node"]),
        (["package", "pod"], ["pod"]),
    ],
)
def test_levels_are_keplers_own(levels: list[str], expected: list[str]) -> None:
    """'package' is in all of them; alone it is that of nodes, since an empty list would mean every level."""
    assert config(Around(power={"levels": levels}))["exporter.prometheus.metricsLevel"] == expected


def test_gpus_are_a_source_of_the_resource() -> None:
    """Off there, `experimental` is not written at all: Kepler would drop it."""
    assert not [key for key in config(Around(sources={"gpu": {"enabled": False}})) if key.startswith("experimental")]


# Releases of the line, and by the first that reads them: keys that a user may set, each with a value.
RELEASES = ((0, 10, 0), (0, 10, 2), (0, 11, 0), (0, 11, 3), (0, 11, 4), (0, 12, 0))
ADDITIONS: dict[tuple[int, int, int], tuple[str, ...]] = {
    (0, 10, 0): (
        "log: {format: json}",
        "monitor: {staleness: 200ms}",
        "monitor: {minTerminatedEnergyThreshold: 0}",
        "exporter: {stdout: {enabled: true}}",
        "exporter: {prometheus: {debugCollectors: [process, go]}}",
        "debug: {pprof: {enabled: true}}",
        "dev: {fake-cpu-meter: {zones: [package]}}",
        "",
    ),
    (0, 11, 4): (
        "kube: {podInformer: {pollInterval: 30s}}",
        "experimental: {gpu: {idlePower: 1.5}}",
        "experimental: {hwmon: {enabled: true, zones: [package], chipRules: [{name: amd}]}}",
    ),
}


def test_random_keplers_obey_the_program() -> None:
    """Every key with its type, unit and bounds, by a check that is written from the program's source.

    With a release of the image or the default, and with keys that a user may add.
    """
    chance = random.Random(11)
    for _ in range(200):
        release, fields = chance.choice(RELEASES), random_fields(chance)
        if release < (0, 11):
            fields.pop("redfish", None)  # refused
        added = chance.choice([text for first, texts in ADDITIONS.items() if release >= first for text in texts])
        gpu = chance.random() < 0.5 or "experimental" in added
        power = {"levels": chance.sample(LEVELS, chance.randint(1, 6)), "idle-power": chance.random() < 0.5}
        image = f"quay.io/sustainable_computing_io/kepler:v{'.'.join(map(str, release))}"
        named = {} if release == (0, 11, 4) else {"image": image}
        outcome = decide(Around(power, {"gpu": {"enabled": gpu}}, added), additional_config="mine", **named, **fields)
        assert outcome.word == "converged", (fields, outcome.message)
        assert violations(written(outcome), ProgramStart(pod(outcome), release)) == [], (image, fields, added)


def random_fields(chance: random.Random) -> dict[str, Any]:
    """Return fields of `collector`, each set or left out by chance."""
    fields = {
        "port": chance.choice([1, 9102, 28282, 65535]),
        "sample_period": chance.choice(SPANS),
        "log_level": chance.randint(0, 10),
        "pod_informer": chance.choice(["kubelet", "apiserver"]),
        "rapl_zones": chance.sample(ZONES, chance.randint(0, 5)),
        "max_terminated": chance.choice([-1, 0, 1, 100_000]),
        "web_config": {"secret": "tls"},
        "redfish": {"secret": "bmcs"},
        "resources": {"limits": {"cpu": "1"}},
    }
    return {name: value for name, value in fields.items() if chance.random() < 0.6}


def test_maps_are_merged_and_lists_replaced() -> None:
    """What the user's ConfigMap does not name stays as the resources have it."""
    users = "monitor: {staleness: 200ms}\nexporter: {prometheus: {debugCollectors: [process]}}\n"
    merged = config(Around(config=users), additional_config="mine")
    assert merged["monitor.staleness"] == "200ms"
    assert merged["monitor.interval"] == "3s"
    assert merged["exporter.prometheus.debugCollectors"] == ["process"]
    assert merged["exporter.prometheus.metricsLevel"] == ["node", "pod", "container"]


def test_keys_that_kepler_does_not_know_are_said() -> None:
    """They are written all the same: a later Kepler may know them."""
    outcome = decide(
        Around(config="monitor: {intervall: 9s}\nrappl: 1\n'monitor.staleness': 1s\n"), additional_config="mine"
    )
    assert outcome.word == "converged"
    assert (
        'sets `"monitor.staleness"`, `monitor.intervall`, `rappl`, which Kepler v0.11.4 does not know and ignores'
        in outcome.message
    )
    assert yaml.safe_load(written(outcome))["rappl"] == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("monitor: {staleness: 5}", "sets `monitor.staleness` to '5', and Kepler accepts a time with a unit"),
        ("monitor: {staleness: 99999999h}", "sets `monitor.staleness` to '99999999h'"),
        ("monitor: {staleness: x}\n'monitor.staleness': 5s", "sets `monitor.staleness` to 'x'"),
        ("monitor: {interval: 9s}", "sets `monitor.interval`, which follows from the Kepler"),
        ("log: {level: error}", "sets `log.level`, which follows from the Kepler"),
        ("rapl: {zones: [dram]}", "sets `rapl.zones`, which follows from the Kepler"),
        ("exporter: {prometheus: {enabled: false}}", "sets `exporter.prometheus.enabled`, which follows"),
        ("experimental: {platform: {redfish: {enabled: true}}}", "sets `experimental.platform.redfish.enabled`"),
        ("dev: {fake-cpu-meter: {enabled: true}}", "with which power is made up"),
        ("exporter: {stdout: {enabled: }}", "sets `exporter.stdout.enabled` to nothing, and Kepler accepts"),
        ("exporter: {prometheus: {debugCollectors: [x]}}", "Kepler accepts a list of go, process"),
        ("debug: 5", "sets `debug` to '5', and it is a map of keys"),
        ("debug:", "sets `debug` to nothing, and it is a map of keys"),
        ("web: {listenAddresses: [':1']}", "sets `web.listenAddresses`, which follows from the Kepler"),
        ("web: off", "sets `web.configFile`, `web.listenAddresses`, which follows"),
        ("kube: {enabled: false}", "sets `kube.enabled`, which follows from the Kepler"),
        ("a: &b [1]\nc: *b", "aliases ('*name') are not supported"),
        ("a: [", "is not YAML that can be read"),
        ("- a", "is not a map of keys"),
        ("a: " + "b" * (64 * 1024), "is larger than 64 KiB"),
    ],
)
def test_what_kepler_would_exit_at_is_refused(text: str, problem: str) -> None:
    """On every node at once; what runs is left as it is."""
    outcome = decide(Around(config=text), additional_config="mine")
    assert (outcome.word, outcome.reason, outcome.intents) == ("rejected", "ConfigurationInvalid", ())
    assert problem in outcome.message


@pytest.mark.parametrize("text", ["", "{}", "monitor: {}", "# nothing\n"])
def test_an_empty_file_adds_nothing(text: str) -> None:
    """Nor does a map without keys."""
    assert written(decide(Around(config=text), additional_config="mine")) == written(decide())


def test_a_config_map_that_is_missing_is_named() -> None:
    """And so is one without the key."""
    assert decide(additional_config="mine").reason == "ConfigurationNotFound"
    seen = additional_config.additions("")
    assert (seen.content, seen.problem) == ({}, "")
