"""What Knative and the controllers of workloads decide in a run: which change is an event, for whom, and what runs."""

from collections.abc import Mapping
from typing import Any

from events.types import RESOURCE_ADD, RESOURCE_DELETE, RESOURCE_UPDATE
from functions.function_catalogue import FUNCTIONS
from runtime import objects
from runtime.adoption import MANAGED_BY
from runtime.event import Event
from runtime.objects import KEPLER, Kind, Manifest, Ref, generation, metadata
from tests.workbench import update

# Kinds of which only objects with these labels are watched: one that loses them is told of as if it were deleted.
LABELLED = {kind: labels for function in FUNCTIONS for kind, labels in function.labels.items()}
# What the controllers of workloads count.
PROGRESS = {
    objects.DAEMON_SET: ("desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled"),
    objects.DEPLOYMENT: ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"),
}


def event_of(ref: Ref, before: Manifest | None, after: Manifest | None) -> Event | None:
    """The event about a change, or None where nobody watches the object. An object that is None does not exist."""
    if ref.kind in LABELLED:
        before, after = (entry if entry and _carries(entry, LABELLED[ref.kind]) else None for entry in (before, after))
    kind = RESOURCE_DELETE if after is None else RESOURCE_UPDATE if before else RESOURCE_ADD
    shown = after or before
    if shown and (ref.kind.group == KEPLER.group or ref.kind in LABELLED or _carries(shown, MANAGED_BY)):
        return update(shown, kind)
    return None


def passes(event: Event, kind: Kind, names: tuple[str, ...]) -> bool:
    """Whether a wake on objects of this kind, of these names where there are any, takes an event."""
    same = (event.api_version, event.kind) == (kind.api_version, kind.name)
    return same and (not names or event.name in names)


def rolled_out(ref: Ref, manifest: Manifest) -> Manifest | None:
    """A workload's status when what was asked for runs on two nodes, as an apply; None where nothing is to be done."""
    if ref.kind not in PROGRESS or (manifest.get("status") or {}).get("observedGeneration") == generation(manifest):
        return None
    counts = dict.fromkeys(PROGRESS[ref.kind], 2)
    more = {"numberAvailable": 2, "numberReady": 2, "numberMisscheduled": 0}
    status = counts | (more if ref.kind is objects.DAEMON_SET else {})
    body = {"apiVersion": ref.kind.api_version, "kind": ref.kind.name, "metadata": {"name": ref.name}}
    return body | {"status": status | {"observedGeneration": generation(manifest)}}


def _carries(manifest: Manifest, wanted: Mapping[str, str]) -> bool:
    labels: Mapping[str, Any] = metadata(manifest).get("labels") or {}
    return labels.items() >= wanted.items()
