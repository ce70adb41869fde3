"""ConfigMap `kepler-cfm`: each key has one owner.

Server-side apply keeps the owners apart. A key that no function owns belongs to the user: it is kept, and the exporter
reads it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import partial

from operands import children
from runtime.adoption import has_owner_or_adopter
from runtime.declaration import Wake, manager
from runtime.differences import owned_fields
from runtime.objects import CONFIG_MAP, Manifest, Ref
from runtime.outcome import Intent


class Key(StrEnum):
    """Keys of `kepler-cfm` (kepler v0.7.12:pkg/config/config.go), and the keys of the working document."""

    BIND_ADDRESS = "BIND_ADDRESS"
    CGROUP_METRICS = "CGROUP_METRICS"
    ENABLE_EBPF_CGROUPID = "ENABLE_EBPF_CGROUPID"
    ENABLE_GPU = "ENABLE_GPU"
    ENABLE_PROCESS_METRICS = "ENABLE_PROCESS_METRICS"
    EXPORT_METRICS = "EXPORT_METRICS"
    EXPOSE_BPF_METRICS = "EXPOSE_BPF_METRICS"
    EXPOSE_CGROUP_METRICS = "EXPOSE_CGROUP_METRICS"
    EXPOSE_COMPONENT_POWER = "EXPOSE_COMPONENT_POWER"
    EXPOSE_CONTAINER_METRICS = "EXPOSE_CONTAINER_METRICS"
    EXPOSE_ESTIMATED_IDLE_POWER_METRICS = "EXPOSE_ESTIMATED_IDLE_POWER_METRICS"
    EXPOSE_HW_COUNTER_METRICS = "EXPOSE_HW_COUNTER_METRICS"
    EXPOSE_IRQ_COUNTER_METRICS = "EXPOSE_IRQ_COUNTER_METRICS"
    EXPOSE_KUBELET_METRICS = "EXPOSE_KUBELET_METRICS"
    EXPOSE_VM_METRICS = "EXPOSE_VM_METRICS"
    KEPLER_LOG_LEVEL = "KEPLER_LOG_LEVEL"
    KEPLER_NAMESPACE = "KEPLER_NAMESPACE"
    METRIC_PATH = "METRIC_PATH"
    MODEL_CONFIG = "MODEL_CONFIG"
    MODEL_SERVER_ENABLE = "MODEL_SERVER_ENABLE"
    MODEL_SERVER_MODEL_LIST_PATH = "MODEL_SERVER_MODEL_LIST_PATH"
    MODEL_SERVER_MODEL_REQ_PATH = "MODEL_SERVER_MODEL_REQ_PATH"
    MODEL_SERVER_PORT = "MODEL_SERVER_PORT"
    MODEL_SERVER_URL = "MODEL_SERVER_URL"
    SAMPLE_PERIOD_SEC = "SAMPLE_PERIOD_SEC"
    SOURCE_BPF = "SOURCE.BPF"
    SOURCE_CGROUP = "SOURCE.CGROUP"
    SOURCE_COUNTER = "SOURCE.COUNTER"
    SOURCE_GPU = "SOURCE.GPU"
    SOURCE_IRQ = "SOURCE.IRQ"
    SOURCE_KUBELET = "SOURCE.KUBELET"


def intent(parent: Manifest, key: Ref, data: Mapping[Key, str]) -> Intent:
    """Return the intent with one owner's keys, and with the labels and owner reference that all owners share."""
    return children.child(parent, children.cfm(key), "config", {"data": {name.value: data[name] for name in data}})


def owns_keys(cfm: Manifest | None, manager: str, keys: frozenset[str]) -> bool:
    """Return whether `manager` owns all of these keys, the labels and the owner reference.

    Whoever changes or removes a value takes it from the `managedFields` of its manager. So a value that is still owned
    is unchanged since it was applied.
    """
    if cfm is None:
        return False
    fields = owned_fields(cfm, manager=manager)
    data = {key.removeprefix("f:") for key in fields.get("f:data") or {}}
    described = fields.get("f:metadata") or {}
    return data >= keys and has_owner_or_adopter(described) and children.labelled(described)


def has_values(cfm: Manifest | None, intents: Iterable[Intent]) -> bool:
    """Return whether the ConfigMap has every key of these intents, with its value."""
    there = (cfm or {}).get("data") or {}
    return all(intent.body["data"].items() <= there.items() for intent in intents if intent.ref.name == children.CFM)


def added_keys(cfm: Manifest | None) -> tuple[str, ...]:
    """Return the keys that users have added to `kepler-cfm`, in order."""
    there = cfm or {}
    return tuple(sorted({*(there.get("data") or {}), *(there.get("binaryData") or {})} - {key.value for key in Key}))


def wake(function: str, keys: frozenset[Key]) -> Wake:
    """Return the Wake for the owner of these keys: somebody else changed what the owner wrote to `kepler-cfm`."""
    return Wake(CONFIG_MAP, (children.CFM,), nothing_to_do=partial(owns_keys, manager=manager(function), keys=keys))


def configuration_hash(cfm: Manifest, overlay: Mapping[Key, str]) -> str:
    """Return a hash of the whole ConfigMap, including users' keys, as it will be once `overlay` is written."""
    content = {
        "data": {**(cfm.get("data") or {}), **{name.value: value for name, value in overlay.items()}},
        "binaryData": cfm.get("binaryData") or {},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
