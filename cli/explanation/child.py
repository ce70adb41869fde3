"""Explains what others change in an object that functions write. Pure."""

from cli.explanation.causes import interference
from cli.explanation.facts import ChildFacts
from cli.explanation.verdict import Explanation
from cli.kinds import title
from runtime.envelope import object_name
from runtime.objects import generation


def explain_child(facts: ChildFacts) -> Explanation:
    """Return which fields of a child others own, and which are put back again and again; ready if there are none."""
    sentences = tuple(interference(facts.foreign, facts.fights))
    belongs = f"{title(facts.ref)} belongs to {title(facts.parent)}"
    sentence = f"{belongs}, and nobody else owns a field of it"
    if sentences:
        sentence = f"{belongs}, and others change it: {sentences[0].says}"
    silent = "the query API does not answer: whether fields are put back again and again is not known"
    return Explanation(
        object=object_name(facts.ref),
        generation=generation(facts.object),
        ready=not sentences,
        sentence=sentence,
        because=tuple(cause.says for cause in sentences),
        next=tuple(dict.fromkeys(step for cause in sentences for step in cause.steps)),
        remarks=() if facts.account else (silent,),
    )
