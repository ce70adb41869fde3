"""A Kepler of each line of releases, and what it refers to, with every field set that can be set together.

Values are those of `effects.field_cases`, whose rows are every field of the schemas. A new field is set without a
change here; if it cannot be set beside the others, it belongs in `LEFT_OUT`, with the reason.
"""

import functools
from collections.abc import Mapping
from typing import Any

from crds.collector_fields import ReleaseLine
from crds.kepler_collected_metric import Source
from crds.kepler_exported_power import Level
from crds.model_server_fields import StorageType
from effects.field_cases import FIELDS
from effects.field_effects import MACHINE
from effects.rendered_cluster import PLACES
from operands import kepler_v07
from runtime.differences import ABSENT
from runtime.objects import COLLECTED_METRIC, EXPORTED_POWER, KEPLER, Manifest

Specs = dict[str, Manifest]

MODELS = "Kepler:spec.estimator-sidecar.models"
REFUSED = "refused with `NotWorkingInThisRelease`"
# A field -> why it is not set.
LEFT_OUT: Mapping[str, str] = {
    "Kepler:spec.scape-interval": "an old spelling of `scrape-interval`; the API server refuses both",
    "Kepler:spec.model-server.training.online": REFUSED,
    **{f"{MODELS}.{model}.filters": REFUSED for model in ("node-total", "node-components")},
    **{
        f"{MODELS}.{model}.{setting}": REFUSED
        for model in ("process-total", "process-components")
        for setting in ("init-url", "trainer", "filters")
    },
}
# Values that go with the others; those of `effects.field_cases` are right where a field is changed alone.
TOGETHER: Mapping[str, Any] = {
    "Kepler:spec.collected-metric": PLACES[COLLECTED_METRIC.name].name,
    "Kepler:spec.exported-power": PLACES[EXPORTED_POWER.name].name,
    "Kepler:spec.estimator-sidecar.mnt-path": "/tmp",
    "KeplerExportedPower:spec.levels": [level.value for level in Level],
    **{f"KeplerCollectedMetric:spec.sources.{source}.enabled": True for source in Source},
}
OF_LINE: Mapping[ReleaseLine, Mapping[str, Any]] = {
    ReleaseLine.V0_7: {
        "Kepler:spec.collector.release": ReleaseLine.V0_7.value,
        "Kepler:spec.collector.image": kepler_v07.IMAGE,
    },
    ReleaseLine.V0_11: {
        "Kepler:spec.collector.release": ReleaseLine.V0_11.value,
        "Kepler:spec.collector.image": kepler_v07.IMAGE_V011,
        # There is no program of these in this line: it refuses both, and ignores their other fields.
        "Kepler:spec.estimator-sidecar.enabled": False,
        "Kepler:spec.model-server.enabled": False,
    },
}
STORAGE = ("model-server", "storage")


def put(spec: Manifest, steps: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return the spec with this value at the end of the steps; without the field if the value is ABSENT."""
    step, *rest = steps
    if rest:
        return {**spec, step: put(spec.get(step) or {}, tuple(rest), value)}
    return {key: value for key, value in spec.items() if key != step} | ({} if value is ABSENT else {step: value})


def steps_of(path: str) -> tuple[str, ...]:
    """Return the steps from `spec` to a field; one machine stands for every name."""
    return tuple(step.replace("<name>", MACHINE) for step in path.split(".")[1:])


@functools.cache
def full_specs(line: ReleaseLine, storage: StorageType = StorageType.CLAIM) -> Specs:
    """Return the specs by kind. The fields of every type of storage are set; `storage` is the one in use."""
    values = {**TOGETHER, **OF_LINE[line], "Kepler:spec.model-server.storage.type": storage.value}
    specs: Specs = {}
    for field_case in FIELDS:
        if (name := str(field_case)) not in LEFT_OUT:
            value = values.get(name, field_case.after)
            specs[field_case.kind] = put(specs.get(field_case.kind, {}), steps_of(field_case.path), value)
    return specs


def full_around(kind: str, path: str, line: ReleaseLine) -> Specs:
    """Return the specs in which what is at this path counts, as far as all fields can count at one time."""
    steps = steps_of(path)
    types = [storage for storage in StorageType if kind == KEPLER.name and steps[:3] == (*STORAGE, storage.value)]
    return full_specs(line, *types)
