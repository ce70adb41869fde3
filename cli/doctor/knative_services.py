"""Checks the functions' Knative Services: that they exist, are Ready, and have one image and this version. Pure.

On a machine without Knative Serving (`make run`) functions are processes, and each is asked whether it is ready.
"""

from collections import Counter
from collections.abc import Iterator

from audit.answers.checks import Check, fail, summed, warn
from cli.doctor.check import APPLY, INSTALL_KNATIVE, ClusterSnapshot, Symptom, listed, together
from cli.doctor.knative_health import absent
from cli.doctor.pod_symptoms import of_pods, of_revision
from cli.explanation.function_parts import Parts, loopback, not_ready_reason
from runtime.objects import Manifest, metadata, name
from runtime.settings import VERSION

AREA = "functions"
SERVICE = "Knative Service"
OF_VERSION = "app.kubernetes.io/version"


def functions(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Check what keeps functions from receiving events, and which have another version."""
    if not snapshot.installed.readable:
        return
    wanted = [name(manifest) for manifest in snapshot.wanted("Service", "serving")]
    parts = {called: snapshot.installed.parts.get(called, Parts()) for called in wanted}
    services = [part.service for part in parts.values() if part.service is not None]
    checks = [
        *together(AREA, SERVICE, _symptoms(snapshot, services)),
        *_absent(snapshot, parts),
        *_hidden(snapshot, services),
        *_versions(services),
        *_images(services),
    ]
    yield from summed(AREA, checks, _well(parts))


def _well(parts: dict[str, Parts]) -> str:
    here = sum(bool(value.answers) for value in parts.values())
    if not here:
        return f"{len(parts)} are Ready"
    silent = len(parts) - here
    unasked = f"; {silent} without a Trigger of its own cannot be asked" if silent else ""
    return f"{here} answer as processes of this machine, without Knative Serving{unasked}"


def _symptoms(snapshot: ClusterSnapshot, services: list[Manifest]) -> Iterator[tuple[str, Symptom]]:
    for service in services:
        problem = not_ready_reason(service)
        symptoms = [*of_pods(service, snapshot.pods or (), snapshot.namespace)]
        if problem and not symptoms:
            symptoms = [_without_pods(snapshot, service, problem)]
        for cause in dict.fromkeys(symptom.cause for symptom in symptoms):
            first = next(symptom for symptom in symptoms if symptom.cause == cause)
            yield name(service), first if problem else _of_ready(first)


def _of_ready(symptom: Symptom) -> Symptom:
    """Return the symptom of a Service that is Ready; it is only a warning if a pod waits to be scheduled."""
    level = "warn" if symptom.cause == "unschedulable" else symptom.level
    return Symptom(symptom.cause, symptom.says, symptom.do, ready=True, level=level)


def _without_pods(snapshot: ClusterSnapshot, service: Manifest, problem: str) -> Symptom:
    """Return why a Service without a failing pod is not Ready: by its newest Revision, or by its own condition."""
    symptom = None if snapshot.revisions is None else of_revision(service, snapshot.revisions, snapshot.namespace)
    return symptom or Symptom(problem, problem, f"{snapshot.describe} ksvc {name(service)}")


def _absent(snapshot: ClusterSnapshot, parts: dict[str, Parts]) -> Iterator[Check]:
    """Yield a failure for functions without a Knative Service."""
    gone = {called: part for called, part in parts.items() if part.service is None}
    here = any(loopback(part.address) for part in snapshot.installed.parts.values())
    for called, missing in gone.items():
        if missing.answers is False:
            sentence = f"nothing answers at {missing.address}, where '{called}' should be"
            yield fail(AREA, sentence, "start it: `make status` says what runs, `make run` starts everything")
    if here or not gone:
        return
    if absent(snapshot, "Knative Serving"):
        yield fail(AREA, "the cluster has no Knative Serving: no function can run", INSTALL_KNATIVE)
    elif len(gone) == 1:
        yield fail(AREA, f"{SERVICE} {listed(gone)} does not exist", APPLY)
    else:
        yield fail(AREA, f"{len(gone)} {SERVICE}s ({listed(gone)}) do not exist", APPLY)


def _hidden(snapshot: ClusterSnapshot, services: list[Manifest]) -> Iterator[Check]:
    """Yield a warning for each kind that the user may not list, and that would explain why a Service is not Ready."""
    if not services:
        return
    lists = (("pods", "pods", snapshot.pods), ("Revisions", "revisions.serving.knative.dev", snapshot.revisions))
    for kinds, resource, objects in lists:
        if objects is None:
            ask = f"ask for `list {resource}` in namespace '{snapshot.namespace}'"
            yield warn(AREA, f"you may not read the functions' {kinds}, which say why one does not run", ask)


def _versions(services: list[Manifest]) -> Iterator[Check]:
    """Yield a warning for each version that is not this program's."""
    versions: dict[str, list[str]] = {}
    for service in services:
        version = str((metadata(service).get("labels") or {}).get(OF_VERSION) or VERSION)
        versions.setdefault(version, []).append(name(service))
    for version, names in versions.items():
        if version != VERSION:
            sentence = (
                f"{listed(names)} {'are' if len(names) > 1 else 'is'} of version {version}, this program of {VERSION}"
            )
            do = f"use one version of both: install `kubectl kepler` of version {version}, or {APPLY}"
            yield warn(AREA, sentence, do)


def _images(services: list[Manifest]) -> Iterator[Check]:
    """Yield a failure if functions run different images, as after an upgrade that stopped half-way."""
    images = Counter(image for service in services for image in _of(service))
    if len(images) > 1:
        sentence = ", ".join(f"{image} ({count})" for image, count in images.most_common())
        yield fail(AREA, f"they run different images: {sentence}", f"set one image for all, then {APPLY}")


def _of(service: Manifest) -> Iterator[str]:
    template = (service.get("spec") or {}).get("template") or {}
    yield from (str(container.get("image")) for container in (template.get("spec") or {}).get("containers") or ())
