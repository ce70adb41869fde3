"""Why an episode began, who made an edit: in the same words as in the console."""

from dataclasses import dataclass

import pytest

from audit.answer_models import EpisodeCause, Fight, ForeignField, WriteSummary
from cli.timeline.sentences import END_OF_FIGHT, author, because, cause_sentence, cut, fight, foreign_field
from events.report import ObjectName
from events.types import RESOURCE_ADD, RESOURCE_DELETE, RESYNC_REQUESTED
from local.layout import ROOT
from runtime.printable import is_printable
from tests.cli.report_samples import DAEMON_SET, EDIT, T0, cause

CONFIG_MAP = ObjectName(api_version="v1", kind="ConfigMap", namespace="energy", name="kepler-cfm")
PATHS = ("a", "b", "c", "d")
CHANGED = WriteSummary(object=DAEMON_SET, action="changed", fields=9, paths=PATHS)
CREATED = WriteSummary(object=DAEMON_SET, action="created", fields=40, paths=PATHS)
DRIFT = EpisodeCause(kind="object", object=DAEMON_SET, action="changed", by="kubectl-edit", written=(CHANGED,))
GONE = EpisodeCause(kind="object", object=DAEMON_SET, action="deleted", written=(CREATED,))
SWEPT = EpisodeCause(kind="request", source="/kepler/functions/sweep", written=(CHANGED,))
ASKED = EpisodeCause(kind="request", source="/kepler/cli")


@dataclass(frozen=True)
class SentenceCase:
    """A sentence, what it is, and which of its words a script of the console has as well."""

    does: str
    sentence: str
    expected: str
    script: str
    words: tuple[str, ...]


def gained(*written: WriteSummary) -> EpisodeCause:
    """Somebody created a DaemonSet, and this was written for it."""
    return EpisodeCause(kind="object", object=DAEMON_SET, action="created", by="x", written=written)


FOREIGN = ForeignField(
    object=DAEMON_SET, path="spec.x", value="y", by="kubectl-patch", operation="Update", time=T0, remove="kubectl ..."
)
FOUGHT = Fight(
    object=DAEMON_SET, path="spec.x", function="collector", others=("argocd", "flux"), count=4, since=T0, last=T0
)
AT = f"{T0.astimezone():%Y-%m-%d %H:%M:%S}"
TOLD = "DaemonSet energy/kepler-exporter was"
CASES = (
    SentenceCase(
        "a drift",
        cause_sentence(DRIFT),
        f"{TOLD} changed by kubectl-edit, according to an event; put back: a, b, c and 6 other fields.",
        "causes.js",
        (" was ", " by ", ", according to an event", "; put back: ", " and ", "other field"),
    ),
    SentenceCase(
        "a drift without an owner",
        cause_sentence(DRIFT.model_copy(update={"by": ""})),
        f"{TOLD} changed by an unknown writer, according to an event; put back: a, b, c and 6 other fields.",
        "causes.js",
        (" by an unknown writer",),
    ),
    SentenceCase(
        "a deletion of a child",
        cause_sentence(GONE),
        f"{TOLD} deleted (Kubernetes does not record by whom), according to an event; put back: the whole object.",
        "causes.js",
        (" (Kubernetes does not record by whom)", "the whole object"),
    ),
    SentenceCase(
        "what was written besides",
        cause_sentence(gained(CHANGED.model_copy(update={"object": CONFIG_MAP, "fields": 4}))),
        f"{TOLD} created by x, according to an event; written: ConfigMap kepler-cfm changed: a, b, c and 1 other "
        "field.",
        "causes.js",
        ("; written: ",),
    ),
    SentenceCase(
        "what was not put back but deleted",
        cause_sentence(gained(WriteSummary(object=DAEMON_SET, action="deleted", fields=0))),
        f"{TOLD} created by x, according to an event; written: DaemonSet kepler-exporter deleted.",
        "causes.js",
        ('one.action !== "deleted"',),
    ),
    SentenceCase(
        "nothing known",
        cause_sentence(EpisodeCause(kind="event")),
        "something was touched, according to an event.",
        "causes.js",
        ("something", "touched"),
    ),
    SentenceCase(
        "a sweep",
        cause_sentence(SWEPT),
        "The sweep found that it was not as it should be; written: DaemonSet kepler-exporter changed: a, b, c and 6 "
        "other fields.",
        "causes.js",
        ("The sweep found that it was not as it should be",),
    ),
    SentenceCase("a request", cause_sentence(ASKED), "cli requested a resync.", "causes.js", (" requested a resync",)),
    SentenceCase("an edit", author(EDIT), "edited by kubectl-patch", "parts.js", ('"edited"', " by ")),
    SentenceCase(
        "the first that is known of a resource",
        author(EDIT.model_copy(update={"first": True, "verified": False})),
        "as first seen by kubectl-patch, according to an event",
        "parts.js",
        ("as first seen", "according to an event"),
    ),
    SentenceCase(
        "the end of a resource",
        author(EDIT.model_copy(update={"deleted": True, "by": ""})),
        "deleted (Kubernetes does not record by whom)",
        "parts.js",
        ("deleted (Kubernetes does not record by whom)",),
    ),
    SentenceCase(
        "a cut",
        cut(200),
        "Only the newest 200 reports of it: there are more.",
        "trace.js",
        ("Only the newest ", "report", " of it: there are more."),
    ),
    SentenceCase(
        "an event",
        because(cause(5, DAEMON_SET).model_copy(update={"type": RESOURCE_ADD, "generation": 3})),
        f"{TOLD} created (generation 3) by kubectl-patch",
        "resource.js",
        ("was created", " (generation ", " by "),
    ),
    SentenceCase(
        "a change without an owner that woke a function",
        because(cause(5, DAEMON_SET).model_copy(update={"by": ""})),
        f"{TOLD} changed by an unknown writer",
        "resource.js",
        (" by an unknown writer",),
    ),
    SentenceCase(
        "a deletion that woke a function",
        because(cause(5, DAEMON_SET).model_copy(update={"type": RESOURCE_DELETE})),
        f"{TOLD} deleted",
        "resource.js",
        ("was deleted",),
    ),
    SentenceCase(
        "a request that woke a function",
        because(cause(5).model_copy(update={"type": RESYNC_REQUESTED, "source": "/kepler/functions/sweep"})),
        "sweep requested a resync of Kepler energy/kepler",
        "resource.js",
        (" requested a resync of ",),
    ),
    SentenceCase(
        "a field that somebody else owns",
        foreign_field(FOREIGN),
        f"DaemonSet energy/kepler-exporter: `spec.x` is 'y', set by kubectl-patch, {AT}; no function sets this field, "
        "so it stays",
        "interference.js",
        (" is ", ", set", " by ", "; no function sets this field, so it stays"),
    ),
    SentenceCase(
        "a restart by hand",
        foreign_field(FOREIGN.model_copy(update={"restart": True})),
        f"DaemonSet energy/kepler-exporter: its pods were restarted by kubectl-patch, {AT}",
        "interference.js",
        (": its pods were restarted",),
    ),
    SentenceCase(
        "a fight",
        fight(FOUGHT),
        f"DaemonSet energy/kepler-exporter: collector put `spec.x` back 4 times since {AT}, last at {AT}, since argocd "
        "and flux changed it each time",
        "interference.js",
        (" put ", " back ", " times since ", ", last at ", ", since ", " changed it each time", END_OF_FIGHT),
    ),
    SentenceCase(
        "an object that is deleted again and again",
        fight(FOUGHT.model_copy(update={"path": "", "others": ()})),
        f"DaemonSet energy/kepler-exporter: collector created it again 4 times since {AT}, last at {AT}, since it was "
        "deleted each time (Kubernetes does not record by whom)",
        "interference.js",
        (" created it again ", ", since it was deleted each time (Kubernetes does not record by whom)"),
    ),
    SentenceCase(
        "any other event",
        because(cause(5).model_copy(update={"type": "t", "object": None, "subject": "s"})),
        "of event t (s)",
        "resource.js",
        ("Because of event ",),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.does)
def test_a_sentence_is_the_same_as_in_the_console(case: SentenceCase) -> None:
    """If this fails, change `cli/timeline/sentences.py` and the script together."""
    assert case.sentence == case.expected
    script = (ROOT / "audit" / "console" / case.script).read_text()
    assert [words for words in case.words if words not in script] == []


def test_an_edit_has_a_heading_of_its_own() -> None:
    """So the episode that it began has none."""
    assert cause_sentence(EpisodeCause(kind="edit", by="kubectl-patch")) == ""


def test_a_sentence_tells_when_if_that_is_known() -> None:
    """In whole seconds, as the API server keeps it."""
    changed = DRIFT.model_copy(update={"time": T0})
    assert f" by kubectl-edit, {T0.astimezone():%Y-%m-%d %H:%M:%S}, according to an event" in cause_sentence(changed)
    assert cause_sentence(ASKED.model_copy(update={"time": T0})).startswith("cli requested a resync, 2026-01-0")


def test_a_sentence_is_one_line_whoever_is_in_it() -> None:
    """A field manager may be of any name."""
    manager = "x\n2026-01-01  generation 9\x1b[2J"
    for sentence in (
        cause_sentence(DRIFT.model_copy(update={"by": manager})),
        author(EDIT.model_copy(update={"by": manager})),
    ):
        assert is_printable(sentence)
        assert "\n" not in sentence
