"""What differs from run to run, and is left out when two states are compared."""

from typing import Any

from functions.exporter import CONFIG_HASH

MASKED = {
    CONFIG_HASH,  # of the namespace, among others: whoever compares checks it apart
    "deprecated.daemonset.template.generation",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "time",
    "lastTransitionTime",
    "generation",
    "observedGeneration",
}


def masked(value: Any, namespace: str) -> Any:
    """Without times, identities and the namespace's name; sets as sorted lists."""
    if isinstance(value, dict):
        return {key: masked(below, namespace) for key, below in value.items() if key not in MASKED and "uid" not in key}
    if isinstance(value, list):
        return sorted((masked(one, namespace) for one in value), key=str)
    return value.replace(namespace, "NS") if isinstance(value, str) else value
