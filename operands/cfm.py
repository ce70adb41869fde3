"""`kepler-cfm`: one ConfigMap, every key with one owner.

Server-side apply keeps the owners apart. A key that nobody here owns is the user's: it is kept, and it counts.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import partial

from operands import children
from runtime.adoption import tied
from runtime.declaration import Wake, manager
from runtime.differences import owned_fields
from runtime.objects import CONFIG_MAP, Manifest, Ref
from runtime.outcome import Intent


class Key(StrEnum):
    """Keys of `kepler-cfm` (KEP v0.7.12:pkg/config/config.go), and the working document's own beside them."""

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
    """One owner's keys; the owners share labels and owner reference."""
    return children.child(parent, children.cfm(key), "config", {"data": {name.value: data[name] for name in data}})


def intact(cfm: Manifest | None, manager: str, keys: frozenset[str]) -> bool:
    """Whether `manager` owns all of these keys, and the labels and owner reference.

    Whoever changes or removes a value takes it from its manager's `managedFields`, so what is still owned is
    still as it was applied.
    """
    if cfm is None:
        return False
    fields = owned_fields(cfm, manager=manager)
    data = {key.removeprefix("f:") for key in fields.get("f:data") or {}}
    described = fields.get("f:metadata") or {}
    return data >= keys and tied(described) and children.labelled(described)


def holds(cfm: Manifest | None, intents: Iterable[Intent]) -> bool:
    """Whether every key of these intents has its value."""
    there = (cfm or {}).get("data") or {}
    return all(intent.body["data"].items() <= there.items() for intent in intents if intent.ref.name == children.CFM)


def wake(function: str, keys: frozenset[Key]) -> Wake:
    """Return what wakes the owner of these keys: a change that somebody else made to what it wrote here."""
    return Wake(CONFIG_MAP, (children.CFM,), idle=partial(intact, manager=manager(function), keys=keys))


def configuration_hash(cfm: Manifest, overlay: Mapping[Key, str]) -> str:
    """A hash of everything in the ConfigMap, keys of the user's included, as it is once `overlay` is written."""
    content = {
        "data": {**(cfm.get("data") or {}), **{name.value: value for name, value in overlay.items()}},
        "binaryData": cfm.get("binaryData") or {},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
