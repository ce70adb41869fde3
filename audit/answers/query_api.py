"""The query API and the console, as a Flask Blueprint; `audit.answer_models` describes the answers.

Nothing here changes stored data. Two routes have an effect: they request that a dead letter is replayed or discarded.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cloudevents.core.v1.event import CloudEvent
from flask import Blueprint, Response, request
from pydantic import BaseModel

from audit.access.viewer import Access, Viewer
from audit.access.visibility import Visibility
from audit.answer_models import API, Cursor, DeadLetter, Interference, Page
from audit.answers import fights, pages, queries, resource_history
from audit.answers.checks import Health, health
from audit.answers.interference import ChildReader
from audit.answers.live import Live
from audit.answers.resource_pages import matching_resources, select_page
from audit.answers.responses import as_view, json_page, problem, send_age, unknown, with_security_headers
from audit.answers.selection import (
    ChangesSelection,
    EmptySelection,
    HistorySelection,
    NamespaceSelection,
    ObjectSelection,
    ReportSelection,
    ResourceSelection,
    selected,
)
from audit.answers.states import IS_READY
from audit.problems import HttpProblem, TooManyNamespaces
from audit.storage.database import Database
from audit.storage.totals import namespaces
from runtime.objects import KEPLER, MACHINE_CONFIG, Ref
from runtime.requests import discard, replay
from runtime.sink import Sink

log = logging.getLogger("kepler.audit")

# The name of the console in the source of a request event.
CONSOLE = "console"


@dataclass(frozen=True)
class QueryApi:
    """Answers from the database and, through `live` and `children`, from the cluster; request events go to `sink`."""

    database: Database
    live: Live
    children: ChildReader
    access: Access
    sink: Callable[[], Sink]

    def blueprint(self) -> Blueprint:
        """Return the Blueprint with all routes."""
        made = Blueprint("audit", __name__)
        answers: tuple[tuple[str, Callable[..., BaseModel | Response | None]], ...] = (
            ("resources", self.resources),
            ("reports", self.reports),
            ("reports/<path:identity>", self.report),
            ("history", self.history),
            ("interference", self.interference),
            ("traces/<identity>", self.trace),
            ("dead-letters", self.letters),
            ("state", self.state),
            ("doctor", self.doctor),
            ("changes", self.changes),
        )
        for path, answer in answers:
            made.add_url_rule(f"{API}/{path}", answer.__name__, as_view(answer), methods=["GET"])
        for path, ask in (("replay", self.replay), ("discard", self.discard)):
            made.add_url_rule(f"{API}/dead-letters/<name>/{path}", path, ask, methods=["POST"])
        made.add_url_rule(f"{API}/<path:path>", "unknown", unknown, methods=["GET"])
        made.add_url_rule("/", "index", pages.page, methods=["GET"])
        made.add_url_rule("/<path:name>", "page", pages.page, methods=["GET"])
        made.register_error_handler(Exception, problem)
        made.after_request(with_security_headers)
        return made

    def resources(self) -> Response:
        """Answer with `Resources`: resources as the API server has them now."""
        viewer, wanted = self.access(request), selected(ResourceSelection, request.args)
        _require_visible_namespace(viewer, wanted.namespace)
        read = self.live.resources()
        send_age(read.age)
        resources = matching_resources(read.items, wanted)
        visibility = viewer.visibility({resource.namespace for resource in resources} - {""})
        selected_page = select_page(
            [resource for resource in resources if visibility.shows(resource.namespace)], wanted
        )
        return json_page(selected_page.items, selected_page.page)

    def reports(self) -> BaseModel:
        """Answer with a page of reports, newest first."""
        viewer, wanted = self.access(request), selected(ReportSelection, request.args)
        visibility = self._visibility(viewer, wanted.namespace)
        with self.database.reading() as connection:
            return queries.page(connection, wanted, visibility)

    def report(self, identity: str) -> BaseModel:
        """Answer with one report; 404 if there is none or the user may not see it."""
        viewer, _ = self.access(request), selected(EmptySelection, request.args)
        with self.database.reading() as connection:
            kept = queries.report_by_id(connection, identity)
        if kept is None or not viewer.may_see(kept.report.object.namespace):
            raise HttpProblem(404, f"no report '{identity}' is stored: it never existed, or has been deleted by now")
        return kept

    def history(self) -> BaseModel:
        """Answer with the history of one resource."""
        wanted = selected(HistorySelection, request.args)
        _require_visible(self.access(request), wanted)
        with self.database.reading() as connection:
            return resource_history.history(connection, wanted)

    def interference(self) -> BaseModel:
        """Answer with what others change in the children of a resource.

        The children of a KeplerMachineConfig are not read: they may hold secrets.
        """
        wanted = selected(ObjectSelection, request.args)
        _require_visible(self.access(request), wanted)
        key = Ref(KEPLER, wanted.namespace, wanted.name)
        ours = self.children.managers(key)
        with self.database.reading() as connection:
            reports = fights.recent(connection, wanted, datetime.now(UTC), ours)
        contested = fights.fights(reports, ours)
        if wanted.kind != KEPLER.name:
            return Interference(fights=contested)
        foreign = self.children.foreign(key)
        send_age(foreign.age())
        return Interference(foreign=foreign.fields, fights=contested, unread=foreign.unread)

    def trace(self, identity: str) -> BaseModel:
        """Answer with one trace."""
        viewer, _ = self.access(request), selected(EmptySelection, request.args)
        with self.database.reading() as connection:
            places = queries.namespaces_of_trace(connection, identity)
        seen = frozenset(place for place in places if viewer.may_see(place))
        with self.database.reading() as connection:
            trace = queries.trace(connection, identity, Visibility(seen - {""}, cluster="" in seen))
        if trace is None:
            raise HttpProblem(
                404, f"nothing is stored about trace '{identity}': it never existed, or has been deleted by now"
            )
        return trace

    def letters(self) -> Page[DeadLetter]:
        """Answer with the dead letters; those that are about no object are shown to users who may see everything."""
        viewer, wanted = self.access(request), selected(NamespaceSelection, request.args)
        _require_visible_namespace(viewer, wanted.namespace)
        read = self.live.letters()
        send_age(read.age)
        return Page(items=self._visible_letters(read.items, viewer, wanted.namespace))

    def _visible_letters(self, letters: Iterable[DeadLetter], viewer: Viewer, namespace: str) -> tuple[DeadLetter, ...]:
        letters = [letter for letter in letters if namespace in ("", letter.event.object.namespace)]
        visibility = viewer.visibility({letter.event.object.namespace for letter in letters} - {""})
        return tuple(letter for letter in letters if self._is_visible(viewer, visibility, letter))

    def replay(self, name: str) -> Response:
        """Request that a dead letter's event is sent again."""
        return self._request(name, replay)

    def discard(self, name: str) -> Response:
        """Request that a dead letter is deleted without sending its event again."""
        return self._request(name, discard)

    def _request(self, name: str, request_about: Callable[..., CloudEvent]) -> Response:
        """Send a request event about a dead letter: `audit` itself may change none.

        Discarding needs the same permission as replaying: the user could have caused the event themselves.
        """
        viewer = self.access(request)
        letter = next((kept for kept in self.live.letters().items if kept.name == name), None)
        where = letter.event.object.namespace if letter else ""
        seen = letter is not None and (viewer.may_see(where) if where else viewer.may_see_all_namespaces())
        if not seen:
            raise HttpProblem(404, f"there is no dead letter '{name}': it was replayed, discarded or deleted")
        if not viewer.may_replay(where):
            raise HttpProblem(403, f"you are not allowed to do this: it needs `patch keplers` in {_where(where)}")
        event = request_about(name, by=CONSOLE)
        self.sink()(event)
        log.info(event.get_type(), extra={"letter": name, "by": viewer.name})
        return Response(status=202)

    def state(self) -> BaseModel:
        """Answer with the totals of what the user may see."""
        viewer, wanted = self.access(request), selected(NamespaceSelection, request.args)
        visibility = self._cheap_visibility(viewer, wanted.namespace)
        with self.database.reading() as connection:
            return queries.state(connection, visibility)

    def doctor(self) -> Health:
        """Answer with those checks of `kubectl kepler doctor` that need only data that the query API shows anyway."""
        viewer, wanted = self.access(request), selected(NamespaceSelection, request.args)
        _require_visible_namespace(viewer, wanted.namespace)
        resources, letters = self.live.resources(), self.live.letters()
        send_age(resources.age, letters.age)
        selection = ResourceSelection(kind=KEPLER.name, namespace=wanted.namespace)
        keplers = matching_resources(resources.items, selection)
        visibility = self._cheap_visibility(viewer, wanted.namespace)
        with self.database.reading() as connection:
            state = queries.state(connection, visibility)
        visible = viewer.visibility({kepler.namespace for kepler in keplers})
        return health(
            state,
            self._visible_letters(letters.items, viewer, wanted.namespace),
            [
                (kepler.namespace, kepler.name, kepler.state in IS_READY)
                for kepler in keplers
                if visible.shows(kepler.namespace)
            ],
            now=datetime.now(UTC),
            namespace=self.live.namespace,
        )

    def changes(self) -> BaseModel | None:
        """Answer with the highest sequence number that the user may see, if it is higher than `after`."""
        viewer, wanted = self.access(request), selected(ChangesSelection, request.args)
        visibility = self._cheap_visibility(viewer, wanted.namespace)
        with self.database.reading() as connection:
            number = queries.latest(connection, visibility)
        return Cursor(sequence=number) if number > wanted.after else None

    def _visibility(self, viewer: Viewer, namespace: str) -> Visibility:
        """Return the user's visibility for a list: of one namespace if it is named, else of all with stored data."""
        _require_visible_namespace(viewer, namespace)
        if namespace:
            return Visibility(frozenset({namespace}), cluster=False)
        with self.database.reading() as connection:
            known = namespaces(connection)
        return viewer.visibility(known)

    def _cheap_visibility(self, viewer: Viewer, namespace: str) -> Visibility:
        """Return the user's visibility for requests that are repeated often; no namespace if there are too many."""
        try:
            return self._visibility(viewer, namespace)
        except TooManyNamespaces:
            return Visibility(frozenset(), cluster=viewer.may_see(""))

    def _is_visible(self, viewer: Viewer, visibility: Visibility, letter: DeadLetter) -> bool:
        where = letter.event.object.namespace
        return visibility.shows(where) if where else viewer.may_see_all_namespaces()


def _require_visible(viewer: Viewer, wanted: ObjectSelection) -> None:
    """Raise HttpProblem if the user may not see the object, or the namespace is missing."""
    if not wanted.namespace and wanted.kind != MACHINE_CONFIG.name:
        raise HttpProblem(400, f"`namespace` is missing: only a {MACHINE_CONFIG.name} is in none")
    if not viewer.may_see(wanted.namespace):
        raise _forbidden(wanted.namespace)


def _require_visible_namespace(viewer: Viewer, namespace: str) -> None:
    """Raise HttpProblem (403) if the user names a namespace that they may not see, whether it exists or not."""
    if namespace and not viewer.may_see(namespace):
        raise _forbidden(namespace)


def _forbidden(namespace: str) -> HttpProblem:
    needed = "`get keplers`" if namespace else "`get keplermachineconfigs`"
    return HttpProblem(403, f"you are not allowed to read this: it needs {needed} in {_where(namespace)}")


def _where(namespace: str) -> str:
    return f"namespace '{namespace}'" if namespace else "the whole cluster"
