"""Puts the parts of `audit` together, once, when its process starts."""

import functools
import logging
import tempfile
from collections.abc import Callable

from audit import TOKEN
from audit.access.open_access import local_viewer
from audit.access.token_access import TokenAuthenticator
from audit.answers.interference import ChildReader
from audit.answers.live import Live
from audit.answers.query_api import QueryApi
from audit.audit_settings import AuditSettings
from audit.storage import schema_upgrade, signing
from audit.storage.database import Database
from audit.storage.edit_recorder import READ_TIMEOUT, EditRecorder
from audit.storage.intake import Audit
from audit.storage.retention import Retention
from audit.storage.store import Store
from runtime.client import Client, Transport
from runtime.declaration import Writers
from runtime.errors import Misconfigured
from runtime.listener import ListenerContext
from runtime.objects import Ref
from runtime.signature import Keyring

log = logging.getLogger("kepler.audit")


def build(settings: AuditSettings, context: ListenerContext, writers: Callable[[Ref], Writers]) -> Audit:
    """Return the receiver; `writers` names the children of a resource and the field managers that write them.

    Raises Misconfigured if the database, or something that the access mode needs, is missing.
    """
    database = Database(settings.database.get_secret_value() or _temporary_database())
    schema_upgrade.prepare(database)
    retention = Retention(database, days=settings.days, bytes=settings.megabytes << 20)
    retention.begin()
    transport, sink = functools.cache(context.transport), functools.cache(context.sink)
    access = (
        TokenAuthenticator(transport(), own=settings.audience == "own") if settings.access == TOKEN else local_viewer
    )
    client = functools.partial(_client, transport)
    api = QueryApi(database, Live(transport, context.namespace), ChildReader(client, writers), access, sink)
    store = Store(database, full=retention.note_size)
    edit_recorder = EditRecorder(store, client)
    keyring = context.keyring or Keyring(transport(), context.namespace)
    signing.begin(keyring)
    return Audit(store, api.blueprint(), edit_recorder, keyring)


def _client(transport: Callable[[], Transport]) -> Client:
    """Return a client for one read from the API server."""
    return Client(transport(), manager="kepler-audit", seconds=READ_TIMEOUT)


def _temporary_database() -> str:
    """Return the URL of a database in a temporary folder, which lasts as long as the process; log a warning."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="kepler-audit-")
    except OSError as wrong:
        raise Misconfigured(f"no temporary folder can be created ({wrong}): set `DATABASE`") from wrong
    _FOLDERS.append(folder)
    log.warning(f"the database in '{folder.name}' is deleted when this process ends: set `DATABASE` to keep it")
    return f"sqlite:///{folder.name}/audit.db"


# Removed at the end of the process.
_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
