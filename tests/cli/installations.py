"""An installation as `doctor` sees it, with nothing wrong, and changes that spoil it."""

import copy
import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from audit.answer_models import FinishedSweep, StoreState
from audit.answers.checks import Check
from cli.commands.doctor import CHECKS
from cli.doctor.check import ClusterSnapshot
from cli.doctor.expected import additions, objects
from cli.doctor.knative_health import CHANNEL, DEFINITIONS, EVENTING, OF_VERSION
from cli.doctor.survey import READ_KINDS
from cli.explanation.function_parts import Installation, Parts
from crds.crd_files import RESOURCES, definition
from crds.meta import GROUP
from runtime.objects import CRD, DEPLOYMENT, KEPLER, Kind, Ref
from runtime.objects import NAMESPACE as NAMESPACES
from runtime.settings import NAMESPACE, VERSION

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
KEPLERS = (
    {
        "apiVersion": KEPLER.api_version,
        "kind": "Kepler",
        "metadata": {"name": "kepler", "namespace": "energy", "generation": 1},
        "status": {
            "conditions": [
                {"type": "Ready", "status": "True", "reason": "Ready", "message": "", "observedGeneration": 1}
            ]
        },
    },
)
ELSEWHERE = {"status": READY | {"subscriberUri": "http://kepler-collector.kepler-operator.svc"}}
DOWN = {"conditions": [{"type": "Ready", "status": "False", "message": "no image"}]}
Objects = dict[Ref, Any]


def generated() -> Objects:
    """Everything that is looked at, as this version has it, with the status of what works: a copy of one's own."""
    return copy.deepcopy(_generated())


@functools.cache
def _generated() -> Objects:
    """Render the objects that `generated` copies, once: rendering the CRDs takes longer than most tests."""
    by_ref: Objects = {}
    for resource in RESOURCES.values():
        name = f"{resource.names.plural}.{GROUP}"
        by_ref[Ref(CRD, "", name)] = {
            **definition(resource),
            "status": {"conditions": [{"type": "Established", "status": "True"}]},
        }
    known = {(kind.api_version, kind.name): kind for kind in READ_KINDS}
    for shipped in objects(NAMESPACE, ()):
        if kind := known.get((shipped["apiVersion"], shipped["kind"])):
            meta = shipped["metadata"]
            by_ref[Ref(kind, meta.get("namespace", ""), meta["name"])] = {**shipped, "status": READY}
    by_ref[Ref(NAMESPACES, "", "energy")] = {
        "metadata": {"name": "energy", "labels": {"pod-security.kubernetes.io/enforce": "privileged"}}
    }
    for called in DEFINITIONS.values():
        by_ref[Ref(CRD, "", called)] = {"metadata": {"name": called, "labels": {OF_VERSION: "1.21.0"}}}
    for called in CHANNEL:
        by_ref[Ref(DEPLOYMENT, EVENTING, called)] = deployment(called, {"requests": {"cpu": "100m"}})
    for added in (entry for brought in additions().values() for entry in brought):
        if kind := known.get((added["apiVersion"], added["kind"])):
            by_ref[Ref(kind, added["metadata"].get("namespace", ""), added["metadata"]["name"])] = None
    bound = by_ref[binding("kepler-exporter")]
    bound["subjects"] = [{"kind": "ServiceAccount", "name": "kepler", "namespace": "energy"}]
    return by_ref


def binding(name: str) -> Ref:
    """A ClusterRoleBinding."""
    return Ref(next(kind for kind in READ_KINDS if kind.name == "ClusterRoleBinding"), "", name)


def ref(kind: Kind, name: str) -> Ref:
    """An object of the installation."""
    return Ref(kind, NAMESPACE if kind.namespaced else "", name)


def parts(**changed: Parts) -> dict[str, Parts]:
    """Every function as a Knative Service."""
    services = [copy.deepcopy(entry) for entry in objects(NAMESPACE, ()) if entry["kind"] == "Service"]
    well = {service["metadata"]["name"]: Parts({"status": READY}, {**service, "status": READY}) for service in services}
    return {**well, **{name.replace("_", "-"): one for name, one in changed.items()}}


def deployment(name: str, resources: dict[str, Any]) -> dict[str, Any]:
    """A Deployment of Knative's, with a container of these resources."""
    containers = [{"name": "dispatcher", "resources": resources}]
    return {"metadata": {"name": name}, "spec": {"template": {"spec": {"containers": containers}}}}


def state(minutes: int) -> StoreState:
    """A sweep so long ago."""
    swept = FinishedSweep(time=NOW - timedelta(minutes=minutes), resources=1, diverging=0, calls=1, milliseconds=1.0)
    return StoreState(reports=1, oldest=NOW, bytes=1, sweep=swept, version=VERSION)


def well() -> ClusterSnapshot:
    """An installation to which nothing is to be done."""
    return ClusterSnapshot(
        now=NOW,
        objects=generated(),
        installed=Installation(parts=parts()),
        keplers=KEPLERS,
        letters=(),
        state=state(2),
        rights={"list keplers": True},
    )


def all_checks(seen: ClusterSnapshot) -> list[Check]:
    """All checks."""
    return [entry for check in CHECKS for entry in check(seen)]


def troubles(seen: ClusterSnapshot) -> list[Check]:
    """All checks that do not pass."""
    return [check for check in all_checks(seen) if check.level != "ok"]


def without(gone: Ref) -> Callable[[ClusterSnapshot], ClusterSnapshot]:
    """An object is not there."""
    return lambda seen: replace(seen, objects={**seen.objects, gone: None})


def changed(which: Ref, change: Callable[[Any], object]) -> Callable[[ClusterSnapshot], ClusterSnapshot]:
    """An object is another."""

    def spoil(seen: ClusterSnapshot) -> ClusterSnapshot:
        manifest = copy.deepcopy(seen.objects[which])
        change(manifest)
        return replace(seen, objects={**seen.objects, which: manifest})

    return spoil


def installed(**spoilt: Parts) -> Callable[[ClusterSnapshot], ClusterSnapshot]:
    """A function is another."""
    return lambda seen: replace(seen, installed=Installation(parts=parts(**spoilt)))


def put(at: str, value: Any) -> Callable[[Any], None]:
    """Sets a field, by its dotted path."""

    def change(entry: Any) -> None:
        *above, last = at.split(".")
        for name in above:
            entry = entry[int(name)] if isinstance(entry, list) else entry.setdefault(name, {})
        entry[last] = value

    return change
