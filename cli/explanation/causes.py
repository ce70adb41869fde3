"""Finds the causes that keep a resource from being Ready, and what to do about each.

A *function* is one controller. It reports on a resource in a condition of its own: `False` if it rejects the resource,
`Unknown` if it waits. A cause comes before those that follow from it: functions that reject the resource; functions
that have not reported, and why; functions that wait; then the pods.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from audit.answer_models import Fight, ForeignField
from audit.answers.checks import SWEEP_LATE
from cli.explanation import findings, node_causes
from cli.explanation.facts import Facts, Workload
from cli.explanation.function_parts import delivery_problem
from cli.timeline.sentences import END_OF_FIGHT, fight, foreign_field
from events.outcome_words import ConditionStatus
from functions import status
from functions.function_catalogue import FUNCTIONS
from operands import pod_trouble
from operands.pod_trouble import Operand, PodTrouble, Reason
from runtime.ages import age
from runtime.awaited import await_conditions
from runtime.conditions import READY, conditions, current, step_in
from runtime.declaration import Function
from runtime.deletion import deletion_sentence, deletion_step
from runtime.event import parse_time
from runtime.objects import KEPLER, Manifest, generation, metadata, terminates
from runtime.outcome import FunctionCondition

# Seconds after an edit within which a missing report is normal: `explain` then says to wait, not to resync.
GRACE_SECONDS = 20.0


@dataclass(frozen=True)
class Obstacle:
    """A problem, or something awaited: a sentence, the steps to take, and the reason of the condition about it."""

    says: str
    steps: tuple[str, ...] = ()
    reason: str = ""


def warnings(facts: Facts) -> Iterator[Obstacle]:
    """Yield problems that do not keep the resource from being Ready."""
    yield from _architectures(facts)
    yield from interference(facts.foreign, facts.fights)
    yield from _undelivered(facts)
    yield from _late_sweep(facts)


def causes(facts: Facts) -> Iterator[Obstacle]:
    """Yield why the resource is not Ready, at least one cause, and then all further problems.

    Of a resource that is being deleted, what holds it is the only cause: the functions treat it as gone.
    """
    if terminates(facts.resource):
        yield Obstacle(deletion_sentence(facts.resource), (deletion_step(facts.resource),))
        return
    obstacles = [*_rejected(facts), *_silent(facts), *_waiting(facts), *_rollout(facts), *_model_server(facts)]
    if all(obstacle.reason == status.NOT_DEPLOYED for obstacle in obstacles):
        # No function says why there is no workload.
        obstacles = [replace(obstacle, steps=(_resync(facts),)) for obstacle in obstacles] or [_summary(facts)]
    yield from obstacles
    yield from _architectures(facts)
    yield from interference(facts.foreign, facts.fights)
    yield from _undelivered(facts)
    yield from _late_sweep(facts)


def _functions_of_kind(facts: Facts) -> tuple[Function, ...]:
    """Return the functions that report on resources of this kind."""
    return tuple(function for function in FUNCTIONS if function.parent == facts.key.kind)


def _rejected(facts: Facts) -> Iterator[Obstacle]:
    """Yield the functions that reject the resource, but not function `status`, which only sums up the others.

    Functions that say the same are one cause. The step is that of the condition that decides `Ready`: what others say
    may be a part of it.
    """
    deciding = (conditions(facts.resource).get(READY) or {}).get("message")
    functions: dict[tuple[str, str], list[str]] = {}
    for function in _functions_of_kind(facts):
        condition = current(facts.resource, function.condition)
        if condition and condition.status is ConditionStatus.FALSE and function.name != status.FUNCTION.name:
            functions.setdefault((condition.message, condition.reason), []).append(function.name)
    for (message, reason), names in functions.items():
        step = (step_in(message) if message == deciding else "") or "do what the message says"
        reject = "rejects" if len(names) == 1 else "reject"
        yield Obstacle(
            f"{', '.join(names)} {reject} it: {message} ({reason})",
            (f"{step}, then: kubectl kepler explain {facts.called}",),
            reason,
        )


def _silent(facts: Facts) -> Iterator[Obstacle]:
    """Yield functions that have not reported on this generation, each with the likely cause."""
    silent = [function for function in _functions_of_kind(facts) if current(facts.resource, function.condition) is None]
    not_blocked = [function for function in silent if not _is_blocked(function, facts.resource)]
    for function in not_blocked or silent:
        if function.name == status.FUNCTION.name and len(silent) > 1:
            continue
        yield _silence(function, facts)


def _is_blocked(function: Function, resource: Manifest) -> bool:
    """Return whether the function writes nothing yet, because a function that it waits for has not reported."""
    outcome = await_conditions(function, resource, operand=function.name)  # only for the message
    return outcome is not None and outcome.writes_nothing


def _silence(function: Function, facts: Facts) -> Obstacle:
    """Return that a function has not reported on this generation, with the likely cause."""
    condition = conditions(facts.resource).get(function.condition) or {}
    last = (
        f", its last report was on generation {condition['observedGeneration']}"
        if condition.get("observedGeneration")
        else ""
    )
    sentence = f"{function.name} has not reported on generation {generation(facts.resource)}{last}"
    # A function's Service and Trigger are called like its field manager.
    if wrong := delivery_problem(facts.installed, function.manager):
        return Obstacle(f"{sentence}: {wrong}", ("kubectl kepler doctor",))
    if _recently_edited(facts):
        return Obstacle(
            f"{sentence}: the event was sent a moment ago",
            (f"wait, or watch: kubectl get {_kubectl_arguments(facts)} -w",),
        )
    return Obstacle(f"{sentence}, although its delivery is in order: its event may be lost", (_resync(facts),))


def _recently_edited(facts: Facts) -> bool:
    """Return whether anything but the status was written within `GRACE_SECONDS`, according to `managedFields`."""
    times = [
        parse_time(str(entry["time"]))
        for entry in metadata(facts.resource).get("managedFields") or ()
        if entry.get("time") and not entry.get("subresource")
    ]
    return any(time and (facts.now - time).total_seconds() < GRACE_SECONDS for time in times)


def _waiting(facts: Facts) -> Iterator[Obstacle]:
    """Yield the functions that wait, each with the message of its condition."""
    for function in _functions_of_kind(facts):
        condition = current(facts.resource, function.condition)
        if condition and condition.status is ConditionStatus.UNKNOWN and function.name != status.FUNCTION.name:
            yield Obstacle(f"{function.name} waits: {condition.message} ({condition.reason})", reason=condition.reason)


def _rollout(facts: Facts) -> Iterator[Obstacle]:
    """Yield why the exporter's pods are not available."""
    condition = current(facts.resource, status.AVAILABLE)
    if condition is None or condition.status is ConditionStatus.TRUE:
        return
    if condition.reason == "NoNodes":
        yield Obstacle(
            f"{condition.message}{_labels(facts)}",
            (*_steps(condition), "kubectl get nodes --show-labels"),
            condition.reason,
        )
        return
    yield from _pods(pod_trouble.exporter(facts.key, facts.resource), facts.exporter, condition, "the exporter: ")


def _model_server(facts: Facts) -> Iterator[Obstacle]:
    """Yield why the model server's pods are not available."""
    condition = current(facts.resource, status.MODEL_SERVER_AVAILABLE)
    if condition is not None and condition.status is not ConditionStatus.TRUE:
        yield from _pods(pod_trouble.server(facts.key), facts.server, condition)


def _pods(operand: Operand, workload: Workload, condition: FunctionCondition, prefix: str = "") -> Iterator[Obstacle]:
    """Yield why pods are missing, not scheduled or not running; if there is no reason, the condition's message.

    The condition comes first, then causes that only the pods show: the CLI may read pods, functions may not.
    """
    known = _cause_in_message(condition)
    if known:
        yield Obstacle(f"{prefix}{known.says}", (known.step,), known.reason)
    # `missing`: some pods do not exist, so Events of failed creations count, too.
    elif wrong := pod_trouble.trouble(operand, workload.object or {}, workload.events, missing=True):
        known = wrong
        yield Obstacle(f"{prefix}{condition.message}: {wrong.says}", (wrong.step,), wrong.reason)
    more = [
        symptom
        for symptom in findings.troubles(workload.pods, operand)
        if known is None or symptom.reason is not known.reason
    ]
    for symptom in more:
        many = f"{symptom.pods} pods, such as '{symptom.example}'" if symptom.pods > 1 else f"pod '{symptom.example}'"
        sentence = f"{symptom.state}, {symptom.message}" if symptom.message else symptom.state
        yield Obstacle(
            f"{prefix}{condition.message}; {many}: {sentence}", (symptom.step,), symptom.reason or condition.reason
        )
    if known is None and not more:
        # Without a workload no pods appear: the function that creates it has said why there is none.
        watch = f"watch: kubectl get pods -n {operand.ref.namespace} -w"
        steps = () if condition.reason == status.NOT_DEPLOYED else (*_steps(condition), watch)
        yield Obstacle(f"{prefix}{condition.message}", steps, condition.reason)


def _cause_in_message(condition: FunctionCondition) -> PodTrouble | None:
    """Return the cause in a condition, None if its reason is none of `Reason`; else its message is 'CAUSE; STEP'."""
    if condition.reason not in set(Reason):
        return None
    step = step_in(condition.message)
    says = condition.message.removesuffix(step).rstrip("; ")
    return PodTrouble(Reason(condition.reason), says, step)


def _steps(condition: FunctionCondition) -> Iterator[str]:
    """Yield what the message of a condition says to do, if it names a field or a command."""
    step = step_in(condition.message)
    if "`" in step:
        yield step


def _labels(facts: Facts) -> str:
    """Return how many nodes have the labels of the node selector, as the end of a sentence."""
    wanted = ((facts.resource.get("spec") or {}).get("collector") or {}).get("node-selector") or {}
    if facts.nodes is None or not wanted:
        return ""
    sentence = ", ".join(f"'{key}: {value}'" for key, value in wanted.items())
    return f"; {findings.matching(facts.nodes, wanted)} of {len(facts.nodes)} nodes carry {sentence}"


def _architectures(facts: Facts) -> Iterator[Obstacle]:
    """Yield the nodes that are left out because an image is not built for them."""
    if facts.key.kind == KEPLER:
        for sentence in node_causes.left_out(facts.resource, facts.nodes or ()):
            yield Obstacle(sentence, (node_causes.STEP,))


def interference(foreign: Iterable[ForeignField], fights: Iterable[Fight]) -> Iterator[Obstacle]:
    """Yield what others change in the children: contested fields first, then fields that others own."""
    for contested in fights:
        yield Obstacle(fight(contested), (END_OF_FIGHT,))
    for field in foreign:
        removal = (f"if it should not be there: {field.remove}",) if field.remove else ()
        yield Obstacle(foreign_field(field), removal)


def _undelivered(facts: Facts) -> Iterator[Obstacle]:
    """Yield that there are dead letters about the resource."""
    if facts.letters:
        count = len(facts.letters)
        many = f"{count} events" if count > 1 else "an event"
        sentence = f"{many} about it could not be delivered, such as '{facts.letters[0].name}'"
        yield Obstacle(sentence, ("kubectl kepler dead-letters", "kubectl kepler dead-letters replay --all"))


def _late_sweep(facts: Facts) -> Iterator[Obstacle]:
    """Yield that the last sweep is longer ago than it should be."""
    if facts.sweep is None:
        return
    late = (facts.now - facts.sweep.time).total_seconds()
    if late > SWEEP_LATE:
        sentence = (
            f"the last sweep was {age(facts.sweep.time, facts.now)} ago: changes whose events were lost are not found"
        )
        yield Obstacle(sentence, ("kubectl kepler doctor",))


def _summary(facts: Facts) -> Obstacle:
    """Return the message of `Ready`, for when there is no other cause."""
    condition = conditions(facts.resource).get(READY) or {}
    message = str(condition.get("message") or "no function has reported on it")
    step = step_in(message)
    return Obstacle(message, (step if "`" in step else _resync(facts),), str(condition.get("reason") or ""))


def _resync(facts: Facts) -> str:
    """Return the command that makes all functions reconcile the resource again."""
    return f"kubectl kepler resync {facts.called} --wait"


def _kubectl_arguments(facts: Facts) -> str:
    """Return the resource as arguments of `kubectl get`."""
    key = facts.key
    return f"{key.kind.plural} {key.name}" + (f" -n {key.namespace}" if key.namespace else "")
