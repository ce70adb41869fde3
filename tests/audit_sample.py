"""A store full of believable things: edits of three resources, and what the functions did about each of them."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, islice
from typing import Any

from audit.storage import edits, entries
from audit.storage.entries import Entry, ReportEntry
from audit.storage.store import Store
from events.report import Report, StatusChange
from events.sweep_data import Resync, SweepData
from events.types import (
    PREFIX,
    RESOURCE_DELETE,
    RESOURCE_UPDATE,
    RESYNC_REQUESTED,
    STATUS_CHANGED,
    SWEEP_FINISHED,
)
from runtime.event import Event
from runtime.objects import KEPLER, MACHINE_CONFIG, Kind, Manifest
from runtime.tracing import trace_of_event

BATCH = 40
# How far apart edits are.
APART = timedelta(minutes=7)
DAEMON_SET, CONFIG_MAP = ("apps/v1", "DaemonSet", "kepler-exporter"), ("v1", "ConfigMap", "kepler-cfm")
DEPLOYMENT = ("apps/v1", "Deployment", "kepler-model-server")
AUTHORS = ("kubectl-client-side-apply", "argocd-controller", "kubectl-edit", "flux")


@dataclass(frozen=True)
class Work:
    """What one function does about each edit, so many milliseconds after it."""

    function: str
    condition: str
    after: int
    writes: tuple[str, str, str] | None = None


COURSE = (
    Work("collected_metric", "CollectedMetricReconciled", 21, CONFIG_MAP),
    Work("exported_power", "ExportedPowerReconciled", 24, CONFIG_MAP),
    Work("estimator", "EstimatorReconciled", 27, CONFIG_MAP),
    Work("model_server", "ModelServerReconciled", 22, DEPLOYMENT),
    Work("collector", "CollectorReconciled", 60, DAEMON_SET),
    Work("monitoring", "MonitoringReconciled", 25, ("v1", "Service", "kepler-exporter")),
)
MACHINES = Work("machine_config", "MachineConfigReconciled", 40)
STATE = Work("status", "Ready", 900)


@dataclass(frozen=True)
class SampleResource:
    """Whose generations these are."""

    kind: Kind
    namespace: str
    name: str

    @property
    def uid(self) -> str:
        """The same in every run."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.kind.name}/{self.namespace}/{self.name}"))


RESOURCES = (
    SampleResource(KEPLER, "energy", "kepler"),
    SampleResource(KEPLER, "lab", "kepler-lab"),
    SampleResource(MACHINE_CONFIG, "", "machines"),
)


def fill(store: Store, reports: int) -> None:
    """So many reports, with the edits, sweeps and requests that belong to them, the last of them kept just now."""
    now = datetime.now(UTC)
    made = entries_until(reports, now)
    while batch := list(islice(made, BATCH)):
        replace(store, clock=partial(min, batch[-1][0], now)).commit([entry for _, entry in batch])


def entries_until(reports: int, now: datetime) -> Iterator[tuple[datetime, Entry]]:
    """Entries with the times at which they come, until there are so many reports."""
    generations = reports // 5 + 2  # three of them have fifteen
    began = now - APART * generations
    report = 0
    for number in range(generations):
        for at, entry in generation(number, began + APART * number):
            if isinstance(entry, ReportEntry):
                if report == reports:
                    return
                report += 1
            yield at, entry


def generation(number: int, at: datetime) -> Iterator[tuple[datetime, Entry]]:
    """One edit of one resource, and everything that follows."""
    resource, own = RESOURCES[number % 3], number // 3 + 1
    event = edited(resource, own, at)
    if (read := edits.verified_edit(resource.kind, event.object)) is not None:
        yield at, read
    if resource.kind is MACHINE_CONFIG:
        yield at, reported(event, MACHINES, at, resource, own)
        return
    words = {"estimator": "rejected", "collector": "waiting"} if number % 11 == 10 else {}
    for work in COURSE:
        word = words.get(work.function, "converged")
        yield at, reported(event, work, at, resource, own, outcome=word)
    yield at, reported(event, STATE, at, resource, own, ready=not words)
    if number % 5 == 4:
        yield at, swept(at, resource)
        yield at, requested(at, resource)


def edited(resource: SampleResource, generation: int, at: datetime, kind: str = RESOURCE_UPDATE) -> Event:
    """The event about an edit, in ApiServerSource's Resource mode."""
    shown = manifest(resource, generation, at)
    identity = f"{resource.uid}/{generation}/{kind}"
    return Event(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, identity)),
        type=kind,
        source="https://10.96.0.1:443",
        subject=f"/apis/{resource.kind.api_version}/namespaces/{resource.namespace}/x/{resource.name}",
        api_version=resource.kind.api_version,
        kind=resource.kind.name,
        namespace=resource.namespace,
        name=resource.name,
        object=shown,
        data=shown,
        extensions={"time": at.isoformat()},
    )


def deleted(resource: SampleResource, generation: int, at: datetime) -> Event:
    """The event about its end."""
    return edited(resource, generation, at, RESOURCE_DELETE)


def manifest(resource: SampleResource, generation: int, at: datetime) -> Manifest:
    """The resource at one generation: each sets another port, each third another period as well.

    In namespace `lab` the port stays for two of them, between which only a secret differs.
    """
    port = 9100 + generation // (2 if resource.namespace == "lab" else 1) % 7
    spec: dict[str, Any] = {
        "scrape-interval": f"{15 + generation // 3 % 4 * 15}s",
        "collector": {"port": port, "env": [{"name": "TOKEN", "value": f"secret-{generation}"}]},
    }
    if resource.kind is MACHINE_CONFIG:
        spec = {"roles": ["worker"], "kernel-devel": generation % 2 == 0}
    return {
        "apiVersion": resource.kind.api_version,
        "kind": resource.kind.name,
        "metadata": {
            "name": resource.name,
            **({"namespace": resource.namespace} if resource.namespace else {}),
            "uid": resource.uid,
            "generation": generation,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [
                {
                    "manager": AUTHORS[generation % len(AUTHORS)],
                    "operation": "Update",
                    "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "fieldsV1": {"f:spec": {}},
                },
                {
                    "manager": "kepler-status",
                    "operation": "Apply",
                    "subresource": "status",
                    "time": (at + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "fieldsV1": {"f:status": {}},
                },
            ],
        },
        "spec": spec,
    }


MESSAGES = {
    "converged": ("Reconciled", "everything is as intended"),
    "waiting": ("WaitingForConfiguration", "the configuration is not settled: `estimator` rejects the resource"),
    "rejected": ("SourceRequired", "the estimator needs `counter`: enable it in KeplerCollectedMetric 'default'"),
}


def reported(
    event: Event,
    work: Work,
    at: datetime,
    resource: SampleResource,
    generation: int,
    *,
    outcome: str = "converged",
    ready: bool | None = None,
) -> ReportEntry:
    """What a function says about one generation."""
    report = Report.model_validate(_content(event, work, at, resource, generation, outcome=outcome))
    if ready is not None:
        words = ("True/Reconciled", "False/Rejected") if not ready else ("False/RollingOut", "True/Reconciled")
        report = StatusChange(**dict(report), ready_from=words[0], ready_to=words[1])
    kind = STATUS_CHANGED if ready is not None else f"{PREFIX}reconcile.{outcome}.v1"
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{event.id}/{work.function}"))
    return entries.report(replace(event, id=identity, type=kind), report)


def _content(
    event: Event, work: Work, at: datetime, resource: SampleResource, generation: int, *, outcome: str
) -> dict[str, Any]:
    """A report's data: how it ended, what was written and asked, and the event that it was for."""
    reason, message = MESSAGES[outcome]
    named = {"apiVersion": event.api_version, "kind": event.kind, "namespace": event.namespace, "name": event.name}
    changes = [_wrote(work.writes, resource, generation)] if work.writes and outcome == "converged" else []
    return {
        "function": work.function,
        "trace": str(trace_of_event(event)),
        "began": at + timedelta(milliseconds=work.after),
        "outcome": outcome,
        "object": {**named, "uid": resource.uid},
        "generation": generation,
        "conditions": [{"type": work.condition, "status": STATUS[outcome], "reason": reason, "message": message}],
        "changes": [*changes, _told(named, work.condition, generation)],
        "calls": list(_calls(resource, work.function)),
        "rounds": 1 + generation % 2,
        "milliseconds": 18.5 + work.after / 10,
        "cause": {
            "id": event.id,
            "type": event.type,
            "source": event.source,
            "subject": event.subject,
            "sent": at,
            "object": named,
            "generation": generation,
            "by": AUTHORS[generation % len(AUTHORS)],
            "changed": at.replace(microsecond=0),
        },
    }


STATUS = {"converged": "True", "waiting": "Unknown", "rejected": "False"}


def _wrote(kind_and_name: tuple[str, str, str], resource: SampleResource, generation: int) -> dict[str, Any]:
    target = dict(zip(("apiVersion", "kind", "name"), kind_and_name, strict=True))
    paths = ("spec.template.spec.containers[name=kepler].args", "spec.template.metadata.annotations.hash", "data.PORT")
    fields = [{"path": path, "before": f"{generation - 1}", "after": f"{generation}"} for path in paths]
    action = "created" if generation == 1 else "changed"
    return {"object": {**target, "namespace": resource.namespace}, "action": action, "fields": fields}


def _told(named: dict[str, str], condition: str, generation: int) -> dict[str, Any]:
    path = f"status.conditions[type={condition}].observedGeneration"
    return {
        "object": named,
        "action": "reported",
        "fields": [{"path": path, "before": generation - 1, "after": generation}],
    }


def _calls(resource: SampleResource, function: str) -> Iterator[dict[str, Any]]:
    root = f"/api/v1/namespaces/{resource.namespace}/configmaps/kepler-cfm"
    own = f"/apis/{resource.kind.api_version}/namespaces/{resource.namespace}/keplers/{resource.name}"
    for place, (verb, path) in enumerate((("GET", root), ("GET", own), ("PATCH", root), ("PATCH", f"{own}/status"))):
        yield {
            "verb": verb,
            "path": path,
            "status": 200,
            "began": 4.5 * place + len(function) / 10,
            "milliseconds": 4.1,
        }


_numbers = count(1)


def swept(at: datetime, resource: SampleResource) -> Entry:
    """The end of a sweep."""
    event = replace(edited(resource, 1, at), id=f"sweep-{next(_numbers)}", type=SWEEP_FINISHED)
    return entries.sweep(event, SweepData(resources=3, diverging=1, calls=17, milliseconds=64.2), at)


def requested(at: datetime, resource: SampleResource) -> Entry:
    """What it asked for."""
    event = replace(edited(resource, 1, at), id=f"resync-{next(_numbers)}", type=RESYNC_REQUESTED)
    named = {"apiVersion": event.api_version, "kind": event.kind, "namespace": event.namespace, "name": event.name}
    why = {"collector": ["`data.PORT` of ConfigMap 'kepler-cfm' is not as intended"]}
    return entries.resync(event, Resync.model_validate({"object": named, "diverges": why}))


def reports_of(number: int) -> list[ReportEntry]:
    """The first so many reports alone."""
    made = (entry for _, entry in entries_until(number, datetime.now(UTC)))
    return list(islice((work for work in made if isinstance(work, ReportEntry)), number))
