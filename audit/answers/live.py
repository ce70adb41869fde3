"""Reads the present state of the cluster for the console: the resources, and the dead letters.

Both are read with the ServiceAccount of `audit`, once for all viewers together (`audit.answers.cached_read`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from audit.answer_models import ConditionState, DeadLetter, ListedResource, Nodes, StateName
from audit.answers.cached_read import CachedRead
from audit.answers.dead_letter_answers import letters
from audit.answers.states import ORDER, deleting, level, state
from dead_letters.dead_letter import LABEL
from events.report import Subject
from runtime.client import Client, Transport
from runtime.conditions import READY
from runtime.objects import CONFIG_MAP, OURS, Collection, Manifest, generation, metadata, name, terminates, uid

# Seconds for which one request to the API server is retried, and that a read of hundreds of requests may take.
RETRY_SECONDS, READ_SECONDS = 3.0, 60.0

# Objects per page of a list: one may take 1.5 MiB with `managedFields`, and only some KiB of it are kept.
PAGE = 50


@dataclass(frozen=True, slots=True)
class ShownResource:
    """One resource, ready to be sent: `json` is a `ListedResource`. 10,000 of these take 30 MiB; as models, 180 MiB."""

    kind: str
    namespace: str
    name: str
    state: StateName
    reason: str
    json: bytes


class Live:
    """Reads the cluster through `transport`; dead letters are in `namespace`. Raises ApiErrors."""

    def __init__(self, transport: Callable[[], Transport], namespace: str) -> None:
        self._transport = transport
        self.namespace = namespace
        self.resources = CachedRead(self._resources)
        self.letters = CachedRead(self._letters)

    def _resources(self) -> tuple[ShownResource, ...]:
        client = self._client()
        resources = (
            shown_resource(manifest) for kind in OURS for manifest in client.list(Collection(kind, ""), page=PAGE)
        )
        return tuple(
            sorted(
                resources,
                key=lambda resource: (ORDER.index(resource.state), resource.namespace, resource.name, resource.kind),
            )
        )

    def _letters(self) -> tuple[DeadLetter, ...]:
        config_maps = Collection(CONFIG_MAP, self.namespace)
        return letters(self._client().list(config_maps, labelled=LABEL, metadata_only=True))

    def _client(self) -> Client:
        return Client(self._transport(), manager="kepler-audit", seconds=READ_SECONDS, patience=RETRY_SECONDS)


def shown_resource(manifest: Manifest) -> ShownResource:
    """Return one of our resources, ready to be sent. The manifest itself, which is much larger, is not kept."""
    answer = resource(manifest)
    json = answer.model_dump_json(by_alias=True).encode()
    subject, shown_state = answer.object, answer.state
    return ShownResource(subject.kind, subject.namespace, subject.name, shown_state.name, shown_state.reason, json)


def resource(manifest: Manifest) -> ListedResource:
    """Return one of our resources with its state."""
    status: Mapping[str, Any] = manifest.get("status") or {}
    present = generation(manifest)
    conditions = tuple(_conditions(status.get("conditions") or (), present))
    created = metadata(manifest)["creationTimestamp"]
    return ListedResource(
        object=Subject(
            api_version=str(manifest.get("apiVersion")),
            kind=str(manifest.get("kind")),
            namespace=str(metadata(manifest).get("namespace", "")),
            name=name(manifest),
            uid=uid(manifest),
        ),
        generation=present,
        created=created,
        deleting=terminates(manifest),
        state=deleting(manifest) if terminates(manifest) else state(str(manifest.get("kind")), conditions, created),
        ready=next((condition for condition in conditions if condition.type == READY), None),
        conditions=conditions,
        nodes=_nodes(status.get("nodes") or {}),
    )


def _conditions(entries: Iterable[Mapping[str, Any]], present: int) -> Iterator[ConditionState]:
    """Yield the entries of `status.conditions` that are valid; an older release may have written others."""
    for entry in entries:
        try:
            current = entry.get("observedGeneration", present) == present
            yield ConditionState.model_validate(
                {
                    **{key: entry[key] for key in ("type", "status", "reason", "message")},
                    "since": entry.get("lastTransitionTime"),
                    "current": current,
                    "level": level(entry["status"], entry["reason"], current=current),
                }
            )
        except (KeyError, ValidationError):
            continue


def _nodes(counts: Mapping[str, int]) -> Nodes | None:
    """Return the rollout of the exporter; None for a KeplerMachineConfig, where `status.nodes` means something else."""
    if "desired" not in counts:
        return None
    return Nodes(desired=counts["desired"], updated=counts.get("updated", 0), available=counts.get("available", 0))
