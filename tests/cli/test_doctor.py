"""Each check over an installation that is as generated, and over one with a single thing wrong."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit.model import DeadLetter, State, Swept, Undelivered
from cli import kinds
from cli.commands.doctor import CHECKS, LOOKED_AT
from cli.doctor.check import Check, Seen
from cli.parts import Installation, Parts
from crds.generate import RESOURCES, definition
from crds.meta import GROUP
from events.report import ObjectName
from functions import wiring
from runtime.objects import CRD, KEPLER, Kind, Ref
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
LETTER = DeadLetter(
    name="l",
    time=NOW,
    destination="",
    code="",
    answer="",
    event=Undelivered(id="1", type="t", source="s", object=ObjectName(api_version="", kind="", namespace="", name="")),
)
Objects = dict[Ref, Any]


def generated() -> Objects:
    """Everything that is looked at, as this version has it, with the status of what works."""
    found: Objects = {}
    for one in RESOURCES.values():
        name = f"{one.names.plural}.{GROUP}"
        found[Ref(CRD, "", name)] = {
            **definition(one),
            "status": {"conditions": [{"type": "Established", "status": "True"}]},
        }
    known = {(one.api_version, one.name): one for one in LOOKED_AT}
    for shipped in (one for objects in wiring.base().values() for one in objects):
        if kind := known.get((shipped["apiVersion"], shipped["kind"])):
            meta = shipped["metadata"]
            found[Ref(kind, meta.get("namespace", ""), meta["name"])] = {**shipped, "status": READY}
    found[Ref(kinds.NAMESPACE, "", "energy")] = {
        "metadata": {"name": "energy", "labels": {"pod-security.kubernetes.io/enforce": "privileged"}}
    }
    bound = found[binding("kepler-exporter")]
    bound["subjects"] = [{"kind": "ServiceAccount", "name": "kepler", "namespace": "energy"}]
    return copy.deepcopy(found)


def binding(name: str) -> Ref:
    """A ClusterRoleBinding."""
    return Ref(next(one for one in LOOKED_AT if one.name == "ClusterRoleBinding"), "", name)


def ref(kind: Kind, name: str) -> Ref:
    """An object of the installation."""
    return Ref(kind, NAMESPACE if kind.namespaced else "", name)


def parts(**changed: Parts) -> dict[str, Parts]:
    """Every function as a Knative Service."""
    services = [one for objects in wiring.base().values() for one in objects if one["kind"] == "Service"]
    well = {one["metadata"]["name"]: Parts({"status": READY}, {**one, "status": READY}) for one in services}
    return {**well, **{name.replace("_", "-"): one for name, one in changed.items()}}


def state(minutes: int) -> State:
    """A sweep so long ago."""
    swept = Swept(time=NOW - timedelta(minutes=minutes), resources=1, diverging=0, calls=1, milliseconds=1.0)
    return State(reports=1, oldest=NOW, bytes=1, sweep=swept, version=VERSION)


def well() -> Seen:
    """An installation to which nothing is to be done."""
    return Seen(
        now=NOW,
        objects=generated(),
        installed=Installation(parts=parts()),
        keplers=KEPLERS,
        letters=(),
        state=state(2),
        rights={"list keplers": True},
    )


def told(seen: Seen) -> list[Check]:
    """All checks."""
    return [one for check in CHECKS for one in check(seen)]


def test_a_whole_installation_is_healthy() -> None:
    """One line for each of ten areas, and nothing to do."""
    found = told(well())
    assert [one.level for one in found] == ["ok"] * len(CHECKS)
    assert not any(one.do for one in found)


@dataclass(frozen=True)
class Case:
    """What is done to an installation, and what is said of it."""

    does: str
    spoilt: Callable[[Seen], Seen]
    level: str
    says: str


def without(gone: Ref) -> Callable[[Seen], Seen]:
    """An object is not there."""
    return lambda seen: replace(seen, objects={**seen.objects, gone: None})


def changed(which: Ref, change: Callable[[Any], object]) -> Callable[[Seen], Seen]:
    """An object is another."""

    def spoil(seen: Seen) -> Seen:
        found = copy.deepcopy(seen.objects[which])
        change(found)
        return replace(seen, objects={**seen.objects, which: found})

    return spoil


def installed(**spoilt: Parts) -> Callable[[Seen], Seen]:
    """A function is another."""
    return lambda seen: replace(seen, installed=Installation(parts=parts(**spoilt)))


def put(at: str, value: Any) -> Callable[[Any], None]:
    """Sets a field, by its dotted path."""

    def change(one: Any) -> None:
        *above, last = at.split(".")
        for name in above:
            one = one[int(name)] if isinstance(one, list) else one.setdefault(name, {})
        one[last] = value

    return change


KEPLERS_CRD = Ref(CRD, "", f"keplers.{GROUP}")
COLLECTOR = ref(kinds.TRIGGER, "kepler-collector")
ROLE = ref(kinds.CLUSTER_ROLE, "kepler-estimator")
ELSEWHERE = {"status": READY | {"subscriberUri": "http://kepler-collector.kepler-operator.svc"}}
DOWN = {"conditions": [{"type": "Ready", "status": "False", "message": "no image"}]}
CASES = [
    Case("no definition", without(KEPLERS_CRD), "fail", f"'keplers.{GROUP}' does not exist"),
    Case("not served", changed(KEPLERS_CRD, put("spec.versions.0.served", value=False)), "fail", "is not served"),
    Case(
        "another version's schema",
        changed(KEPLERS_CRD, put("spec.versions.0.schema", {})),
        "fail",
        "the schema of 'keplers.sustainable-computing.io' is another version's",
    ),
    Case("no role", without(ROLE), "fail", "ClusterRole 'kepler-estimator' does not exist"),
    Case("a role without rules", changed(ROLE, put("rules", [])), "fail", "ClusterRole 'kepler-estimator' lacks `"),
    Case(
        "a role with more",
        changed(ROLE, lambda one: one["rules"].append({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]})),
        "warn",
        "has more than its function needs: `get secrets`",
    ),
    Case(
        "nobody bound",
        changed(binding("kepler-estimator"), put("subjects", [])),
        "fail",
        "does not name its ServiceAccount 'kepler-estimator'",
    ),
    Case(
        "another role bound",
        changed(binding("kepler-estimator"), put("roleRef.name", "admin")),
        "fail",
        "ClusterRoleBinding 'kepler-estimator' gives another role",
    ),
    Case(
        "exporters not bound",
        changed(binding("kepler-exporter"), put("subjects", None)),
        "warn",
        "the exporters in namespace 'energy' may not read pods",
    ),
    Case(
        "roles may not be read", lambda seen: replace(seen, hidden=frozenset({ROLE})), "warn", "you may not read 1 role"
    ),
    Case(
        "no Knative", lambda seen: replace(seen, installed=Installation(eventing=False)), "fail", "no Knative Eventing"
    ),
    Case("no Broker", without(ref(kinds.BROKER, "default")), "fail", "Broker 'default' does not exist"),
    Case(
        "a Broker in order",
        changed(ref(kinds.BROKER, "default"), put("metadata.annotations", {})),
        "warn",
        "one slow event holds up all others",
    ),
    Case(
        "a source of less",
        changed(ref(kinds.EVENT_SOURCE, "kepler"), put("spec.resources", [])),
        "fail",
        "ApiServerSource 'kepler' is not as this version has it: `spec.resources`",
    ),
    Case("a clock that stands", changed(ref(kinds.CLOCK, "kepler-sweep"), put("status", DOWN)), "fail", "no image"),
    Case("no Trigger", without(COLLECTOR), "fail", "Trigger 'kepler-collector' does not exist"),
    Case("a Trigger that is not Ready", changed(COLLECTOR, put("status", DOWN)), "fail", "is not Ready: no image"),
    Case(
        "other filters", changed(COLLECTOR, put("spec.filters", [])), "fail", "`filters` of Trigger 'kepler-collector'"
    ),
    Case("no retry", changed(COLLECTOR, put("spec.delivery.retry", 0)), "warn", "`delivery` of Trigger"),
    Case("no Service", installed(kepler_collector=Parts(ELSEWHERE)), "fail", "'kepler-collector' does not exist"),
    Case(
        "a Service that fails",
        installed(kepler_collector=Parts({"status": READY}, {"status": DOWN})),
        "fail",
        "no image",
    ),
    Case(
        "a process that has ended",
        installed(
            kepler_collector=Parts(
                {"status": READY | {"subscriberUri": "http://127.0.0.1:1"}}, serving=False, answers=False
            )
        ),
        "fail",
        "nothing answers at http://127.0.0.1:1, where 'kepler-collector' should be",
    ),
    Case("no sweep for an hour", lambda seen: replace(seen, state=state(60)), "fail", "the last one was 60m ago"),
    Case("nobody knows of sweeps", lambda seen: replace(seen, state=None), "warn", "the query API is out of reach"),
    Case("dead letters", lambda seen: replace(seen, letters=(LETTER,)), "warn", "1 events could not be delivered"),
    Case(
        "a namespace that is restricted",
        changed(
            Ref(kinds.NAMESPACE, "", "energy"),
            put("metadata.labels", {"pod-security.kubernetes.io/enforce": "baseline"}),
        ),
        "fail",
        "no exporter can start",
    ),
    Case(
        "a namespace that says nothing",
        changed(Ref(kinds.NAMESPACE, "", "energy"), put("metadata.labels", {})),
        "warn",
        "where the cluster's own default allows it",
    ),
    Case("may not", lambda seen: replace(seen, rights={"list keplers": False}), "warn", "you may not: list keplers"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.does)
def test_one_thing_is_wrong(case: Case) -> None:
    """It is said, with what to do, and nothing else is blamed for it more heavily."""
    found = [one for one in told(case.spoilt(well())) if one.level != "ok"]
    assert any(one.level == case.level and case.says in one.says and one.do for one in found), found
    assert all(one.level != "fail" for one in found) or case.level == "fail"


def test_a_sweep_without_counts_is_told_without_numbers() -> None:
    """The query API leaves them out for a viewer of some namespaces only."""
    seen = replace(well(), state=state(2).model_copy(update={"sweep": Swept(time=NOW - timedelta(minutes=2))}))
    (check,) = [check for check in told(seen) if check.area == "sweep"]
    assert check.level == "ok"
    assert check.says.endswith(" ago; what it found is shown to those only who may `get keplers` in the whole cluster")


def test_two_images_are_two_versions() -> None:
    """As after an upgrade that stopped half-way."""
    service = copy.deepcopy(parts()["kepler-status"].service)
    assert service is not None
    service["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/kepler-on-knative:0.0.9"
    seen = replace(well(), installed=Installation(parts=parts(kepler_status=Parts({"status": READY}, service))))
    assert any("they run different images" in one.says for one in told(seen))


def test_processes_of_this_machine_need_no_knative_serving() -> None:
    """And it is said that there is none."""
    here = Parts({"status": READY | {"subscriberUri": "http://127.0.0.1:9001"}}, serving=False, answers=True)
    seen = replace(well(), installed=Installation(parts=dict.fromkeys(parts(), here)))
    (found,) = [one for one in told(seen) if one.area == "functions"]
    assert (found.level, "without Knative Serving" in found.says) == ("ok", True)
