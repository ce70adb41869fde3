"""Selects the resources that a request asks for, makes one page of them, and counts them by state and reason. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audit.answer_models import ReasonCount, Resources
from audit.answers.live import ShownResource
from audit.answers.selection import ResourceSelection
from audit.answers.states import ORDER

# Most reasons in one answer: a user who may write a status can write any number of them.
REASONS = 20


@dataclass(frozen=True)
class SelectedPage:
    """One page of resources: its items as JSON, and the page without its items."""

    items: tuple[bytes, ...]
    page: Resources


def matching_resources(resources: Iterable[ShownResource], wanted: ResourceSelection) -> tuple[ShownResource, ...]:
    """Return the resources that match kind, namespace, name and search words, in any state."""
    words = wanted.search.casefold().split()
    return tuple(
        resource
        for resource in resources
        if wanted.kind in ("", resource.kind)
        and wanted.namespace in ("", resource.namespace)
        and wanted.name in ("", resource.name)
        and all(word in f"{resource.namespace}/{resource.name}".casefold() for word in words)
    )


def select_page(resources: Sequence[ShownResource], wanted: ResourceSelection) -> SelectedPage:
    """Return the page of resources with the wanted state and reason, and the counts over all of them."""
    states = Counter(resource.state for resource in resources)
    reasons = Counter((resource.state, resource.reason) for resource in resources if resource.reason)
    matching = [
        resource
        for resource in resources
        if wanted.state in ("", resource.state) and wanted.reason in ("", resource.reason)
    ]
    end = wanted.before + wanted.limit
    page = Resources(
        items=(),
        next=str(end) if end < len(matching) else "",
        total=len(matching),
        states={name: states[name] for name in ORDER if states[name]},
        reasons=tuple(
            ReasonCount(state=state, reason=reason, count=count)
            for (state, reason), count in sorted(
                reasons.most_common(REASONS), key=lambda counted: ORDER.index(counted[0][0])
            )
        ),
    )
    return SelectedPage(tuple(resource.json for resource in matching[wanted.before : end]), page)
