"""Dead letters: in which ConfigMaps they are, and how a table shows them. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from audit.answer_models import DeadLetter
from cli.kinds import title
from runtime.ages import age
from runtime.objects import CONFIG_MAP, Ref

HEADINGS = ("NAME", "AGE", "TIMES", "ABOUT", "EVENT", "ANSWER")


def ref(letter: str, namespace: str) -> Ref:
    """Return the ConfigMap of a dead letter; `namespace` is the functions'."""
    return Ref(CONFIG_MAP, namespace, letter)


def about(letters: Iterable[DeadLetter], key: Ref) -> tuple[DeadLetter, ...]:
    """Return the dead letters about one resource."""
    wanted = (key.kind.name, key.namespace, key.name)
    return tuple(
        letter
        for letter in letters
        if (letter.event.object.kind, letter.event.object.namespace, letter.event.object.name) == wanted
    )


def rows(letters: Iterable[DeadLetter], now: datetime) -> Iterator[tuple[str, ...]]:
    """Yield the cells of a table, a row for each dead letter."""
    for letter in letters:
        times = str(letter.count)
        yield letter.name, age(letter.time, now), times, subject(letter), letter.event.type, answered(letter)


def subject(letter: DeadLetter) -> str:
    """Return the object that the event is about."""
    return title(letter.event.object) if letter.event.object.kind else "-"


def answered(letter: DeadLetter) -> str:
    """Return the receiver's last answer to the event, or that there was none."""
    if not letter.code:
        return "no answer"
    return f"{letter.code}: {' '.join(letter.answer.split())}" if letter.answer else letter.code
