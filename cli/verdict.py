"""Why a resource is not Ready, in a sentence, and what to do next. Pure: collected facts in, an explanation out."""

from collections.abc import Iterator

from cli.causes import beside, causes
from cli.facts import Facts
from cli.kinds import object_name, title
from cli.running import running
from events.report import EventPart, ObjectName
from functions import troubleshooting
from runtime.ages import age
from runtime.conditions import READY, conditions, current
from runtime.event import moment
from runtime.objects import KEPLER, generation, terminates
from runtime.outcome import ConditionStatus


class Explanation(EventPart):
    """`sentence` is the answer, `because` all that was found, `next` what to do, `running` what is there now.

    `see` names the sections of the documentation about the reasons in `because`.
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
    """The answer to "why is it not ready?", or since when it is."""
    ready = current(facts.resource, READY)
    well = ready is not None and ready.status is ConditionStatus.TRUE and not terminates(facts.resource)
    found = tuple(beside(facts) if well else causes(facts))
    sentence = _since(facts) if well else f"{title(facts.key)} is not Ready: {found[0].says}"
    steps = dict.fromkeys(step for cause in found for step in cause.steps)
    return Explanation(
        object=object_name(facts.key),
        generation=generation(facts.resource),
        ready=well,
        sentence=sentence,
        because=tuple(cause.says for cause in found),
        next=tuple(steps),
        see=troubleshooting.links(cause.reason for cause in found),
        running=tuple(running(facts.resource)) if facts.key.kind == KEPLER else (),
        remarks=tuple(f"you may not read {what}: it is left out of account" for what in facts.unread),
    )


def _since(facts: Facts) -> str:
    told = conditions(facts.resource)[READY]
    since = moment(str(told.get("lastTransitionTime") or ""))
    when = f" since {since:%Y-%m-%d %H:%M:%S} UTC ({age(since, facts.now)})" if since else ""
    return f"{title(facts.key)} is Ready{when}: {told['message']}"


def lines(found: Explanation) -> Iterator[str]:
    """For people: the sentence, what else was found, what to do, and what runs."""
    yield found.sentence
    more = found.because if found.ready else found.because[1:]
    yield from _block("also" if more else "", more)
    yield from _block("next" if found.next else "", found.next)
    yield from (f"see {section}" for section in found.see)
    yield from _block("running" if found.running else "", found.running)


def _block(heading: str, told: tuple[str, ...]) -> Iterator[str]:
    if told:
        yield f"{heading}:"
        yield from (f"  {one}" for one in told)
