"""Checks the Triggers: that each is as this version has it, and which part keeps one from being Ready. Pure.

A Trigger's conditions are those of eventing v0.50 (`pkg/apis/eventing/v1/trigger_lifecycle.go`).
"""

from collections.abc import Iterator

from audit.answers.checks import Check, fail, summed, warn
from cli.doctor.check import APPLY, ClusterSnapshot, Symptom, missing_fields, together
from cli.explanation.function_parts import Parts, not_ready_reason
from cli.kinds import TRIGGER
from installation import wiring
from runtime.conditions import conditions
from runtime.objects import Manifest, name

AREA = "triggers"
BROKER, SUBSCRIBER, DEAD_LETTER_SINK = "BrokerReady", "SubscriberResolved", "DeadLetterSinkResolved"
# In the order in which Knative's controller sets them; it stops at the first that is not True.
ORDER = (BROKER, "DependencyReady", SUBSCRIBER, DEAD_LETTER_SINK, "OIDCIdentityCreated", "SubscriptionReady")
EVENTING_PODS = "kubectl -n knative-eventing get pods; kubectl -n knative-eventing logs deployment/eventing-controller"


def triggers(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Check the functions' Triggers."""
    if not (snapshot.installed.readable and snapshot.installed.eventing):
        return
    wanted = list(snapshot.wanted(TRIGGER.name))
    checks = [
        *together(AREA, "Trigger", _symptoms(snapshot, wanted)),
        *(check for manifest in wanted for check in _compared(snapshot, manifest)),
    ]
    yield from summed(AREA, checks, f"{len(wanted)} are Ready, with the filters and the delivery of this version")


def _symptoms(snapshot: ClusterSnapshot, wanted: list[Manifest]) -> Iterator[tuple[str, Symptom]]:
    for expected in wanted:
        there = snapshot.find(TRIGGER.name, name(expected))
        if there is not None and not_ready_reason(there):
            yield name(expected), symptom(snapshot, there)


def symptom(snapshot: ClusterSnapshot, trigger: Manifest) -> Symptom:
    """Return why a Trigger is not Ready."""
    condition = conditions(trigger)
    if not condition:
        return Symptom("unseen", not_ready_reason(trigger), EVENTING_PODS)
    first = next((kind for kind in ORDER if kind in condition and condition[kind].get("status") != "True"), "")
    if first == BROKER:
        sentence = f"neither is Broker '{wiring.BROKER}': {_words(condition[first])}"
        return Symptom(first, sentence, f"{snapshot.describe} broker {wiring.BROKER}")
    if first == SUBSCRIBER:
        return _unresolved(snapshot, "subscriber", name(trigger), _words(condition[first]))
    if first == DEAD_LETTER_SINK:
        return _unresolved(snapshot, "dead-letter sink", wiring.DEAD_LETTER, _words(condition[first]))
    part = f"`{first}`: " if first else ""
    do = f"{snapshot.describe} trigger {name(trigger)}"
    return Symptom(f"{first} {not_ready_reason(trigger)}", f"{part}{not_ready_reason(trigger)}", do)


def _words(condition: Manifest) -> str:
    return str(condition.get("message") or condition.get("reason") or "it does not say why")


def _unresolved(snapshot: ClusterSnapshot, role: str, service: str, message: str) -> Symptom:
    """Return why Knative has no address of a Trigger's subscriber or dead-letter sink.

    Knative looks it up again only after its own back-off, which doubles up to 1,000 s (eventing v0.50.0,
    `pkg/reconciler/broker/trigger/trigger.go`); any change of the Trigger ends the back-off.
    """
    wake = f"kubectl -n {snapshot.namespace} annotate trigger --all kepler.io/seen=1 --overwrite"
    there = (snapshot.installed.parts.get(service) or Parts()).service
    if there is None:
        sentence = f"the {role}, Knative Service '{service}', does not exist"
        return Symptom(f"{role} {service} absent", sentence, f"{APPLY}; then {wake}")
    if problem := not_ready_reason(there):
        sentence = f"neither is the {role}, Knative Service '{service}': {problem}"
        return Symptom(f"{role} {service} unready", sentence, f"see `functions`; once it is Ready: {wake}")
    sentence = f"Knative waits for its own back-off (up to 17 minutes) to look up the {role} again: {message}"
    return Symptom(f"{role} back-off", sentence, wake)


def _compared(snapshot: ClusterSnapshot, wanted: Manifest) -> Iterator[Check]:
    called = f"Trigger '{name(wanted)}'"
    there = snapshot.find(TRIGGER.name, name(wanted))
    if not snapshot.may_see(TRIGGER.name, name(wanted)):
        ask = f"ask for `get triggers.eventing.knative.dev` in namespace '{snapshot.namespace}'"
        yield warn(AREA, f"you may not read {called}", ask)
        return
    if there is None:
        yield fail(AREA, f"{called} does not exist", APPLY)
        return
    for part, level in (("filters", fail), ("delivery", warn), ("subscriber", fail)):
        if missing_fields(wanted["spec"][part], (there.get("spec") or {}).get(part)):
            yield level(AREA, f"`{part}` of {called} is not as this version has it", APPLY)
