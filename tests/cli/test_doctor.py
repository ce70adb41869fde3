"""Each check over an installation that is as generated, and over one with a single thing wrong."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from audit.answer_models import FinishedSweep
from cli import kinds
from cli.commands.doctor import CHECKS
from cli.doctor.check import ClusterSnapshot
from cli.explanation.function_parts import Installation, Parts
from crds.meta import GROUP
from runtime.objects import CRD, Ref
from runtime.objects import NAMESPACE as NAMESPACES
from tests.cli.fact_samples import LETTER
from tests.cli.installations import (
    DOWN,
    ELSEWHERE,
    NOW,
    READY,
    all_checks,
    binding,
    changed,
    installed,
    parts,
    put,
    ref,
    state,
    well,
    without,
)


def test_a_whole_installation_is_healthy() -> None:
    """One line for each area, and nothing to do."""
    checks = all_checks(well())
    assert [check.level for check in checks] == ["ok"] * len(CHECKS)
    assert not any(check.do for check in checks)


@dataclass(frozen=True)
class DoctorCase:
    """What is done to an installation, and what is said of it."""

    does: str
    spoilt: Callable[[ClusterSnapshot], ClusterSnapshot]
    level: str
    says: str


KEPLERS_CRD = Ref(CRD, "", f"keplers.{GROUP}")
COLLECTOR = ref(kinds.TRIGGER, "kepler-collector")
ROLE = ref(kinds.CLUSTER_ROLE, "kepler-estimator")
CASES = [
    DoctorCase("no definition", without(KEPLERS_CRD), "fail", f"'keplers.{GROUP}' does not exist"),
    DoctorCase("not served", changed(KEPLERS_CRD, put("spec.versions.0.served", value=False)), "fail", "is not served"),
    DoctorCase(
        "another version's schema",
        changed(KEPLERS_CRD, put("spec.versions.0.schema", {})),
        "fail",
        "the schema of 'keplers.sustainable-computing.io' is another version's",
    ),
    DoctorCase("no role", without(ROLE), "fail", "ClusterRole 'kepler-estimator' does not exist"),
    DoctorCase(
        "a role without rules", changed(ROLE, put("rules", [])), "fail", "ClusterRole 'kepler-estimator' lacks `"
    ),
    DoctorCase(
        "a role with more",
        changed(
            ROLE, lambda check: check["rules"].append({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]})
        ),
        "warn",
        "has more than its function needs: `get secrets`",
    ),
    DoctorCase(
        "nobody bound",
        changed(binding("kepler-estimator"), put("subjects", [])),
        "fail",
        "does not name its ServiceAccount 'kepler-estimator'",
    ),
    DoctorCase(
        "another role bound",
        changed(binding("kepler-estimator"), put("roleRef.name", "admin")),
        "fail",
        "ClusterRoleBinding 'kepler-estimator' gives another role",
    ),
    DoctorCase(
        "exporters not bound",
        changed(binding("kepler-exporter"), put("subjects", None)),
        "warn",
        "the exporters in namespace 'energy' may not read pods",
    ),
    DoctorCase(
        "roles may not be read", lambda seen: replace(seen, hidden=frozenset({ROLE})), "warn", "you may not read 1 role"
    ),
    DoctorCase(
        "no Knative", lambda seen: replace(seen, installed=Installation(eventing=False)), "fail", "no Knative Eventing"
    ),
    DoctorCase("no Broker", without(ref(kinds.BROKER, "default")), "fail", "Broker 'default' does not exist"),
    DoctorCase(
        "a Broker in order",
        changed(ref(kinds.BROKER, "default"), put("metadata.annotations", {})),
        "warn",
        "one slow event holds up all others",
    ),
    DoctorCase(
        "a source of less",
        changed(ref(kinds.EVENT_SOURCE, "kepler"), put("spec.resources", [])),
        "fail",
        "ApiServerSource 'kepler' is not as this version has it: `spec.resources`",
    ),
    DoctorCase(
        "a clock that stands", changed(ref(kinds.CLOCK, "kepler-sweep"), put("status", DOWN)), "fail", "no image"
    ),
    DoctorCase("no Trigger", without(COLLECTOR), "fail", "Trigger 'kepler-collector' does not exist"),
    DoctorCase(
        "a Trigger that is not Ready", changed(COLLECTOR, put("status", DOWN)), "fail", "is not Ready: no image"
    ),
    DoctorCase(
        "other filters", changed(COLLECTOR, put("spec.filters", [])), "fail", "`filters` of Trigger 'kepler-collector'"
    ),
    DoctorCase("no retry", changed(COLLECTOR, put("spec.delivery.retry", 0)), "warn", "`delivery` of Trigger"),
    DoctorCase("no Service", installed(kepler_collector=Parts(ELSEWHERE)), "fail", "'kepler-collector' does not exist"),
    DoctorCase(
        "a Service that fails",
        installed(kepler_collector=Parts({"status": READY}, {"status": DOWN})),
        "fail",
        "no image",
    ),
    DoctorCase(
        "a process that has ended",
        installed(
            kepler_collector=Parts(
                {"status": READY | {"subscriberUri": "http://127.0.0.1:1"}}, serving=False, answers=False
            )
        ),
        "fail",
        "nothing answers at http://127.0.0.1:1, where 'kepler-collector' should be",
    ),
    DoctorCase("no sweep for an hour", lambda seen: replace(seen, state=state(60)), "fail", "the last one was 60m ago"),
    DoctorCase(
        "nobody knows of sweeps", lambda seen: replace(seen, state=None), "warn", "the query API is out of reach"
    ),
    DoctorCase("dead letters", lambda seen: replace(seen, letters=(LETTER,)), "warn", "1 event could not be delivered"),
    DoctorCase(
        "a namespace that is restricted",
        changed(
            Ref(NAMESPACES, "", "energy"),
            put("metadata.labels", {"pod-security.kubernetes.io/enforce": "baseline"}),
        ),
        "fail",
        "no exporter can start",
    ),
    DoctorCase(
        "a namespace that says nothing",
        changed(Ref(NAMESPACES, "", "energy"), put("metadata.labels", {})),
        "warn",
        "where the cluster's own default allows it",
    ),
    DoctorCase(
        "may not", lambda seen: replace(seen, rights={"list keplers": False}), "warn", "you may not: list keplers"
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.does)
def test_one_thing_is_wrong(case: DoctorCase) -> None:
    """It is said, with what to do, and nothing else is blamed for it more heavily."""
    checks = [check for check in all_checks(case.spoilt(well())) if check.level != "ok"]
    assert any(check.level == case.level and case.says in check.says and check.do for check in checks), checks
    assert all(check.level != "fail" for check in checks) or case.level == "fail"


def test_a_sweep_without_counts_is_told_without_numbers() -> None:
    """The query API leaves them out for a viewer of some namespaces only."""
    seen = replace(well(), state=state(2).model_copy(update={"sweep": FinishedSweep(time=NOW - timedelta(minutes=2))}))
    (check,) = [check for check in all_checks(seen) if check.area == "sweep"]
    assert check.level == "ok"
    assert check.says.endswith(" ago; what it found is shown to those only who may `get keplers` in the whole cluster")


def test_two_images_are_two_versions() -> None:
    """As after an upgrade that stopped half-way."""
    service = copy.deepcopy(parts()["kepler-status"].service)
    assert service is not None
    service["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/kepler-on-knative:0.0.9"
    seen = replace(well(), installed=Installation(parts=parts(kepler_status=Parts({"status": READY}, service))))
    assert any("they run different images" in check.says for check in all_checks(seen))


def test_processes_of_this_machine_need_no_knative_serving() -> None:
    """And it is said that there is none."""
    here = Parts({"status": READY | {"subscriberUri": "http://127.0.0.1:9001"}}, serving=False, answers=True)
    seen = replace(well(), installed=Installation(parts=dict.fromkeys(parts(), here)))
    (checks,) = [check for check in all_checks(seen) if check.area == "functions"]
    assert (checks.level, "without Knative Serving" in checks.says) == ("ok", True)
