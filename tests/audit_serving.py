"""`audit` in this process: what it receives with, and what it serves, for this machine only."""

from dataclasses import dataclass, field
from functools import partial

import pytest
from flask import Blueprint

from audit.access.open_access import local_viewer
from audit.answers.interference import ChildReader
from audit.answers.live import Live
from audit.answers.query_api import QueryApi
from audit.storage.database import Database
from audit.storage.edit_recorder import EditRecorder
from audit.storage.intake import Audit
from audit.storage.signing import Keys
from audit.storage.store import Store
from functions.function_catalogue import FUNCTIONS
from runtime.client import ApiResponse, Client, Request, Transport, path
from runtime.declaration import writers
from runtime.event import Event
from runtime.objects import OURS, Manifest
from tests.signing_key import KEYS

AWAY = ApiResponse(0, {"message": "the API server did not answer"})


@dataclass
class KnownObjects:
    """Answers as an API server that has these objects, by URL path; `away` is one that does not answer."""

    objects: dict[str, Manifest] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    away: bool = False

    def __call__(self, request: Request) -> ApiResponse:
        self.asked.append(request)
        if self.away:
            return AWAY
        manifest = self.objects.get(request.path)
        return (
            ApiResponse(200, manifest) if manifest else ApiResponse(404, {"reason": "NotFound", "message": "not found"})
        )

    def have(self, event: Event) -> None:
        """From now on there is the object that this event shows."""
        self.objects[self._path(event)] = event.object

    def lose(self, event: Event) -> None:
        """From now on there is no object of this name."""
        self.objects.pop(self._path(event), None)

    def _path(self, event: Event) -> str:
        kind = next(kind for kind in OURS if kind.name == event.kind)
        return path(kind, event.namespace, event.name)


def receiving(store: Store, objects: KnownObjects | None = None, *, seconds: float = 0.2, keys: Keys = KEYS) -> Audit:
    """What receives events, beside an API server with these objects, and shows nothing."""
    known = objects or KnownObjects()
    edit_recorder = EditRecorder(store, lambda: Client(known, manager="kepler-audit", seconds=seconds))
    return Audit(store, Blueprint("pages", __name__), edit_recorder, keys)


def served(database: Database, transport: Transport = lambda _: AWAY) -> Audit:
    """What serves it, on this machine only, by this way to the API server, and with no broker."""
    live = Live(lambda: transport, "kepler-operator")
    sink = lambda: pytest.fail("nothing is to be sent")  # noqa: E731
    return serving(Store(database), QueryApi(database, live, reader(transport), local_viewer, sink))


def reader(transport: Transport = lambda _: AWAY) -> ChildReader:
    """What reads the children of Keplers, by this way to the API server."""
    client = lambda: Client(transport, manager="kepler-audit", seconds=5.0)  # noqa: E731
    return ChildReader(client, partial(writers, FUNCTIONS))


def serving(store: Store, api: QueryApi) -> Audit:
    """What receives and shows, with no API server to read from."""
    audit = receiving(store, KnownObjects(away=True))
    audit.pages = api.blueprint()
    return audit
