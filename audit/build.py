"""Puts the parts together, once, when a process starts that keeps reports."""

import functools
import logging
import tempfile

from audit import TOKEN, schema, signing
from audit.access import Tokens
from audit.api import Api
from audit.database import Database
from audit.hints import SECONDS, Hints
from audit.live import Live
from audit.nearby import nearby
from audit.receive import Audit
from audit.retention import Retention
from audit.settings import Keeping
from audit.store import Store
from runtime.client import Client
from runtime.errors import Misconfigured
from runtime.listener import Surroundings
from runtime.signature import Keyring

log = logging.getLogger("kepler.audit")


def build(keeping: Keeping, surroundings: Surroundings) -> Audit:
    """Raises Misconfigured where the database, or what the access needs, is not there."""
    database = Database(keeping.database.get_secret_value() or _passing())
    schema.prepare(database)
    retention = Retention(database, days=keeping.days, bytes=keeping.megabytes << 20)
    retention.begin()
    transport, sink = functools.cache(surroundings.transport), functools.cache(surroundings.sink)
    access = Tokens(transport(), own=keeping.audience == "own") if keeping.access == TOKEN else nearby
    api = Api(database, Live(transport, surroundings.namespace), access, sink)
    store = Store(database, full=retention.told)
    hints = Hints(store, lambda: Client(transport(), manager="kepler-audit", seconds=SECONDS))
    keyring = surroundings.keyring or Keyring(transport(), surroundings.namespace)
    signing.begin(keyring)
    return Audit(store, api.blueprint(), hints, keyring)


def _passing() -> str:
    """A database that goes with the process: better than none, and told."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="kepler-audit-")
    except OSError as wrong:
        raise Misconfigured(f"there is nowhere to keep anything ({wrong}): set `DATABASE`") from wrong
    _FOLDERS.append(folder)
    log.warning(f"what is kept goes when this process ends, with '{folder.name}': set `DATABASE` to keep it")
    return f"sqlite:///{folder.name}/audit.db"


# Removed at the end of the process.
_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
