"""Which of the resources a request selects, one page of them, and what there is to select from. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audit.answer_models import ReasonCount, Resources
from audit.live import ShownResource
from audit.selection import Standings
from audit.states import ORDER

# Reasons in one answer: whoever may write a status may write any.
REASONS = 20


@dataclass(frozen=True)
class Choice:
    """One page, and the same without its items."""

    items: tuple[bytes, ...]
    page: Resources


def about(found: Iterable[ShownResource], wanted: Standings) -> tuple[ShownResource, ...]:
    """Return the resources that are about what is wanted, however they stand."""
    words = wanted.search.casefold().split()
    return tuple(
        one
        for one in found
        if wanted.kind in ("", one.kind)
        and wanted.namespace in ("", one.namespace)
        and wanted.name in ("", one.name)
        and all(word in f"{one.namespace}/{one.name}".casefold() for word in words)
    )


def chosen(found: Sequence[ShownResource], wanted: Standings) -> Choice:
    """Return the page of those that stand as wanted, and the counts of all of them."""
    states = Counter(one.state for one in found)
    reasons = Counter((one.state, one.reason) for one in found if one.reason)
    matching = [one for one in found if wanted.state in ("", one.state) and wanted.reason in ("", one.reason)]
    end = wanted.before + wanted.limit
    page = Resources(
        items=(),
        next=str(end) if end < len(matching) else "",
        total=len(matching),
        states={name: states[name] for name in ORDER if states[name]},
        reasons=tuple(
            ReasonCount(state=state, reason=reason, count=count)
            for (state, reason), count in sorted(reasons.most_common(REASONS), key=lambda one: ORDER.index(one[0][0]))
        ),
    )
    return Choice(tuple(one.json for one in matching[wanted.before : end]), page)
