"""The steps that `explain` advises: all that help, and none that cannot."""

from dataclasses import dataclass

import pytest

from cli.explanation.facts import Facts, Workload
from cli.explanation.verdict import explain
from tests.cli.fact_samples import LETTER, LONG_AGO, NOT_READY, condition, facts, kepler, pod

DELETED = {"deletionTimestamp": LONG_AGO, "finalizers": ["example.com/x"], "generation": 3}
CLAIM_STEP = "create that StorageClass, or set `x` and run `kubectl delete pvc -n energy c`, in which no models are yet"
NOT_DEPLOYED = condition("Available", "False", reason="NotDeployed", message="DaemonSet 'x' does not exist yet")
UNBOUND = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims",
}


@dataclass(frozen=True)
class StepsCase:
    """Facts, and all that the explanation advises."""

    title: str
    facts: Facts
    steps: tuple[str, ...]


STEPS = [
    StepsCase(
        "a claim, and not the nodes",
        facts(
            kepler(
                condition("ModelServerAvailable", "False", reason="ClaimPending", message=f"no class; {CLAIM_STEP}"),
                NOT_READY,
            ),
            server=Workload({"metadata": {"uid": "d"}}, (pod("a", conditions=[UNBOUND]),)),
        ),
        (CLAIM_STEP,),
    ),
    StepsCase(
        "a rejection, after which no pods are made",
        facts(
            kepler(
                condition("CollectorReconciled", "False", message="taken: delete 'x'"),
                NOT_DEPLOYED,
                condition("Ready", "False", message="taken: delete 'x'"),
            )
        ),
        ("delete 'x', then: kubectl kepler explain kepler -n energy",),
    ),
    StepsCase(
        "a DaemonSet that nobody makes",
        facts(kepler(NOT_DEPLOYED, NOT_READY)),
        ("kubectl kepler resync kepler -n energy --wait",),
    ),
    StepsCase(
        "pods that are not ready",
        facts(kepler(condition("Available", "False", reason="PartiallyAvailable", message="x; see `y`"), NOT_READY)),
        ("see `y`", "watch: kubectl get pods -n energy -w"),
    ),
    StepsCase(
        "a finalizer",
        facts({**kepler(), "metadata": {**kepler()["metadata"], **DELETED}}, letters=(LETTER,)),
        ("find out why the controller that set the finalizer does not remove it",),
    ),
    StepsCase(
        "the garbage collector",
        facts({**kepler(), "metadata": {**kepler()["metadata"], **DELETED, "finalizers": ["foregroundDeletion"]}}),
        ("wait for the garbage collector",),
    ),
]


@pytest.mark.parametrize("case", STEPS, ids=lambda case: case.title)
def test_no_step_is_advised_that_cannot_help(case: StepsCase) -> None:
    """`explain` gives exactly the steps of the case, in its order."""
    assert explain(case.facts).next == case.steps
