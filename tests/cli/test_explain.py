"""Why a resource is not Ready: from facts to a sentence, and what to do next."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from audit.answer_models import FinishedSweep
from cli.explanation.facts import Facts
from cli.explanation.function_parts import Installation, Parts
from cli.explanation.verdict import explain, lines
from functions import status
from tests.cli.fact_samples import (
    LETTER,
    LONG_AGO,
    NOT_READY,
    NOW,
    READY,
    condition,
    facts,
    installed,
    kepler,
    of_pods,
    pod,
    waits,
)

SILENT = condition("CollectorReconciled", generation=1)


@dataclass(frozen=True)
class ExplainCase:
    """Facts, and what the explanation says (each of `says`) and advises (each of `steps`)."""

    title: str
    facts: Facts
    says: tuple[str, ...]
    steps: tuple[str, ...] = field(default=())
    ready: bool = False


CASES = [
    ExplainCase("all is well", facts(kepler()), ("is Ready since 2026-01-01 00:00:00 UTC (36h): m",), (), ready=True),
    ExplainCase(
        "rejected",
        facts(kepler(condition("EstimatorReconciled", "False", reason="Wrong", message="set `x`"), NOT_READY)),
        ("Kepler energy/kepler is not Ready: estimator rejects it: set `x` (Wrong)",),
        ("do what the message says",),
    ),
    ExplainCase(
        "rejected by two in the same words",
        facts(
            kepler(
                condition("EstimatorReconciled", "False", reason="NamespaceTaken", message="taken: delete 'first'"),
                condition("CollectorReconciled", "False", reason="NamespaceTaken", message="taken: delete 'first'"),
                NOT_READY,
            )
        ),
        ("estimator, collector reject it: taken: delete 'first' (NamespaceTaken)",),
    ),
    ExplainCase(
        "rejected, and one that waits for it",
        facts(
            kepler(
                condition("EstimatorReconciled", "False", message="set `x`"),
                condition("CollectorReconciled", "Unknown", reason="Waiting", message="left as it is"),
                NOT_READY,
            )
        ),
        ("estimator rejects it", "collector waits: left as it is (Waiting)"),
    ),
    ExplainCase(
        "one has not reported, a moment after the edit",
        facts(kepler(SILENT, NOT_READY, edited="2026-01-02T11:59:55Z")),
        (
            "collector has not reported on generation 2, its last report was on generation 1: the event was sent a "
            "moment ago",
        ),
        ("kubectl get keplers kepler -n energy -w",),
    ),
    ExplainCase(
        "one has not reported for long",
        facts(kepler(SILENT, NOT_READY)),
        ("its event may be lost",),
        ("kubectl kepler resync kepler -n energy --wait",),
    ),
    ExplainCase(
        "its Trigger is gone",
        facts(kepler(SILENT, NOT_READY), installed=installed(**{"kepler-collector": Parts()})),
        ("collector has not reported", "Trigger 'kepler-collector' does not exist"),
        ("kubectl kepler doctor",),
    ),
    ExplainCase(
        "its Knative Service is not Ready",
        facts(
            kepler(SILENT, NOT_READY),
            installed=installed(
                **{
                    "kepler-collector": Parts(
                        {"status": {"conditions": [READY]}},
                        {"status": {"conditions": [{"type": "Ready", "status": "False", "message": "no such image"}]}},
                    )
                }
            ),
        ),
        ("Knative Service 'kepler-collector' is not Ready: no such image",),
    ),
    ExplainCase(
        "its process has ended",
        facts(
            kepler(SILENT, NOT_READY),
            installed=installed(
                **{
                    "kepler-collector": Parts(
                        {"status": {"conditions": [READY], "subscriberUri": "http://127.0.0.1:9001"}},
                        serving=False,
                        answers=False,
                    )
                }
            ),
        ),
        ("nothing answers at http://127.0.0.1:9001",),
    ),
    ExplainCase(
        "no Knative at all",
        facts(kepler(SILENT, NOT_READY), installed=Installation(eventing=False)),
        ("Knative Eventing is not installed",),
    ),
    ExplainCase(
        "nobody has reported: those that wait for others are not told of",
        facts(kepler(*(condition(kind, generation=1) for kind in (*status.GATING_CONDITIONS, "Ready")))),
        ("collected_metric has not reported", "model_server has not reported"),
    ),
    ExplainCase(
        "an image that cannot be pulled",
        of_pods(pod("a", **waits("ErrImagePull", "not found")), pod("b", **waits("ErrImagePull", "not found"))),
        ("2 of 3 nodes have a ready exporter; 2 pods, such as 'a': ErrImagePull, container",),
        ("check `collector.image`, and that nodes can pull it",),
    ),
    ExplainCase(
        "no room",
        of_pods(
            pod(
                "a",
                conditions=[
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/3 nodes are available: 1 Insufficient memory",
                    }
                ],
            )
        ),
        ("pod 'a': Unschedulable, 0/3 nodes are available: 1 Insufficient memory",),
        ("`collector.resources`",),
    ),
    ExplainCase(
        "it ends again and again",
        of_pods(
            pod(
                "a",
                containerStatuses=[
                    {
                        "name": "kepler-exporter",
                        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                        "lastState": {
                            "terminated": {"exitCode": 2, "reason": "Error", "message": "start\nno RAPL zones found\n"}
                        },
                    }
                ],
            )
        ),
        (
            "CrashLoopBackOff, container 'kepler-exporter': it ended with 2 (Error), "
            "its last words were 'no RAPL zones found'",
        ),
        ("kubectl logs -n energy a -c kepler-exporter --previous",),
    ),
    ExplainCase(
        "no pod may be made",
        of_pods(
            events=(
                {
                    "reason": "FailedCreate",
                    "message": "violates PodSecurity",
                    "involvedObject": {"kind": "DaemonSet", "name": "kepler-exporter"},
                },
            )
        ),
        ("2 of 3 nodes have a ready exporter: violates PodSecurity",),
        ("kubectl label namespace energy pod-security.kubernetes.io/enforce=privileged",),
    ),
    ExplainCase(
        "on its way",
        of_pods(pod("a", **waits("ContainerCreating"))),
        ("2 of 3 nodes",),
        ("kubectl get pods -n energy -w",),
    ),
    ExplainCase(
        "no node takes it",
        facts(
            kepler(
                condition("Available", "False", reason="NoNodes", message="no node takes the exporter"),
                NOT_READY,
                collector={"node-selector": {"disk": "gold"}},
            ),
            nodes=({"metadata": {"name": "n", "labels": {"disk": "tin"}}},),
        ),
        ("no node takes the exporter; 0 of 1 nodes carry 'disk: gold'",),
        ("kubectl get nodes --show-labels",),
    ),
    ExplainCase(
        "the model server starts",
        facts(
            kepler(condition("ModelServerAvailable", "Unknown", message="the model server starts"), NOT_READY),
        ),
        ("the model server starts",),
    ),
    ExplainCase(
        "dead letters about it",
        facts(kepler(SILENT, NOT_READY), letters=(LETTER,)),
        ("an event about it could not be delivered, such as 'dead-letter-1'",),
        ("kubectl kepler dead-letters replay --all",),
    ),
    ExplainCase(
        "nobody sweeps",
        facts(
            kepler(),
            sweep=FinishedSweep(time=NOW - timedelta(hours=2), resources=1, diverging=0, calls=1, milliseconds=1.0),
        ),
        ("is Ready", "the last sweep was 120m ago"),
        ("kubectl kepler doctor",),
        ready=True,
    ),
    ExplainCase(
        "it is being deleted",
        facts(
            {
                **kepler(),
                "metadata": {**kepler()["metadata"], "deletionTimestamp": LONG_AGO, "finalizers": ["example.com/x"]},
            }
        ),
        ("it is being deleted, and held by finalizer 'example.com/x'",),
        ("find out why the controller that set the finalizer does not remove it",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_why(case: ExplainCase) -> None:
    """The sentence comes first; the steps are commands or fields."""
    explanation = explain(case.facts)
    shown_text = "\n".join(lines(explanation))
    assert explanation.ready is case.ready
    for text in case.says:
        assert text in shown_text
    for step in case.steps:
        assert any(step in text for text in explanation.next), explanation.next


def test_whoever_waits_for_others_is_not_blamed() -> None:
    """`collector` writes nothing before the others have reported: it is not among those that are silent."""
    nobody = kepler(*(condition(kind, generation=1) for kind in (*status.GATING_CONDITIONS, "Ready")))
    assert not any(cause.startswith("collector") for cause in explain(facts(nobody)).because)


@pytest.mark.parametrize(
    ("collected", "sections"),
    [
        (
            facts(kepler(condition("EstimatorReconciled", "False", reason="SourceRequired"), NOT_READY)),
            ["sourcerequired"],
        ),
        (of_pods(pod("a", **waits("ErrImagePull"))), ["imagepull"]),
        (of_pods(pod("a", **waits("ContainerCreating"))), ["partiallyavailable"]),
        (facts(kepler(condition("Ready", "Unknown", reason="Reconciling"))), ["reconciling"]),
        (facts(kepler(SILENT, NOT_READY)), []),
        (facts(kepler()), []),
    ],
)
def test_the_section_of_the_documentation_is_named(collected: Facts, sections: list[str]) -> None:
    """For every reason that a condition has, or would have; a function that is silent has none."""
    links = [f"docs/troubleshooting.md#{section}" for section in sections]
    explanation = explain(collected)
    assert list(explanation.see) == links
    assert [line for line in lines(explanation) if line.startswith("see ")] == [f"see {link}" for link in links]


def test_what_runs_is_told() -> None:
    """Image, nodes and where models come from."""
    model = {"node-total": {"init-url": "http://models.example/x.zip"}}
    resource = kepler()
    resource["spec"] = {"estimator-sidecar": {"enabled": True, "models": model}}
    resource["status"]["images"]["estimator"] = "registry.example/estimator:1"
    assert explain(facts(resource)).running == (
        "exporter registry.example/kepler:v0.7.12 on port 9102; 3 of 3 nodes have the present configuration, 2 serve",
        "estimator registry.example/estimator:1; models: node-total from http://models.example/x.zip",
    )


def test_what_could_not_be_read_is_said() -> None:
    """So that nobody takes silence for health."""
    explanation = explain(replace(facts(kepler()), unread=("nodes",)))
    assert explanation.remarks == ("you may not read nodes, so it is not considered",)
