"""Explains why a resource is not Ready, in a sentence, and what to do next, from collected facts. Pure."""

from collections.abc import Iterator

from cli.explanation.causes import causes, warnings
from cli.explanation.facts import Facts
from cli.explanation.running import running
from cli.kinds import title
from events.outcome_words import ConditionStatus
from events.report import EventPart, ObjectName
from reasons import troubleshooting
from runtime.ages import age
from runtime.conditions import READY, conditions, current
from runtime.envelope import object_name
from runtime.event import parse_time
from runtime.objects import KEPLER, generation, terminates


class Explanation(EventPart):
    """The explanation of an object: `sentence` is the answer, `because` all causes, `next` the steps to take.

    `see` names the sections of the documentation about the reasons in `because`; `running` lists what runs.
    """

    object: ObjectName
    generation: int
    ready: bool
    sentence: str
    because: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    see: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def explain(facts: Facts) -> Explanation:
    """Return why a resource is not Ready, or since when it is."""
    ready = current(facts.resource, READY)
    deleting = terminates(facts.resource)
    well = ready is not None and ready.status is ConditionStatus.TRUE and not deleting
    obstacles = tuple(warnings(facts) if well else causes(facts))
    sentence = _since(facts) if well else f"{title(facts.key)} is not Ready: {obstacles[0].says}"
    steps = dict.fromkeys(step for cause in obstacles for step in cause.steps)
    return Explanation(
        object=object_name(facts.key),
        generation=generation(facts.resource),
        ready=well,
        sentence=sentence,
        because=tuple(cause.says for cause in obstacles),
        next=tuple(steps),
        see=troubleshooting.links(cause.reason for cause in obstacles),
        # The status of a resource that is being deleted is not written any more.
        running=tuple(running(facts.resource)) if facts.key.kind == KEPLER and not deleting else (),
        remarks=tuple(f"you may not read {unread}, so it is not considered" for unread in facts.unread),
    )


def _since(facts: Facts) -> str:
    ready = conditions(facts.resource)[READY]
    since = parse_time(str(ready.get("lastTransitionTime") or ""))
    when = f" since {since:%Y-%m-%d %H:%M:%S} UTC ({age(since, facts.now)})" if since else ""
    return f"{title(facts.key)} is Ready{when}: {ready['message']}"


def lines(explanation: Explanation) -> Iterator[str]:
    """Yield the lines that show an explanation: the sentence, further causes, what to do, and what runs."""
    yield explanation.sentence
    more = explanation.because if explanation.ready else explanation.because[1:]
    yield from _block("also" if more else "", more)
    yield from _block("next" if explanation.next else "", explanation.next)
    yield from (f"see {section}" for section in explanation.see)
    yield from _block("running" if explanation.running else "", explanation.running)


def _block(heading: str, sentences: tuple[str, ...]) -> Iterator[str]:
    if sentences:
        yield f"{heading}:"
        yield from (f"  {sentence}" for sentence in sentences)
