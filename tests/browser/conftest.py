"""`audit` as a process of its own, over a database full of believable things."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from audit.storage import schema_upgrade
from audit.storage.database import Database
from audit.storage.store import Store
from local.stack import Stack
from runtime.settings import NAMESPACE
from tests.audit_sample import fill
from tests.protocol.test_process import running

REPORTS = 10_000


@dataclass(frozen=True)
class ServedConsole:
    """Where the console of one such process is, and how many reports it has."""

    url: str
    reports: int = REPORTS


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database with ten thousand reports."""
    url = f"sqlite:///{tmp_path_factory.mktemp('kept')}/audit.db"
    database = Database(url)
    schema_upgrade.prepare(database)
    fill(Store(database), REPORTS)
    database.close()
    return url


@pytest.fixture(scope="session")
def console(control_plane: Stack, database: str) -> Iterator[ServedConsole]:
    """Open to everybody on this machine."""
    with running(control_plane, **settings(control_plane, database, "open")) as (_, url):
        yield ServedConsole(url + "/")


@dataclass(frozen=True)
class Growing:
    """A console over a store that is empty at first, and where to put something into it."""

    url: str
    store: Store


@pytest.fixture
def growing(control_plane: Stack, tmp_path: Path) -> Iterator[Growing]:
    """Open to everybody on this machine."""
    address = f"sqlite:///{tmp_path}/audit.db"
    database = Database(address)
    schema_upgrade.prepare(database)
    with running(control_plane, **settings(control_plane, address, "open")) as (_, url):
        yield Growing(url + "/", Store(database))
    database.close()


@pytest.fixture(scope="session")
def guarded(control_plane: Stack, database: str) -> Iterator[ServedConsole]:
    """The same, for those only who may look."""
    with running(control_plane, **settings(control_plane, database, "token")) as (_, url):
        yield ServedConsole(url + "/")


def settings(stack: Stack, database: str, access: str) -> dict[str, str]:
    """Of a process under the function's own ServiceAccount."""
    return {
        "FUNCTION": "audit",
        "DATABASE": database,
        "ACCESS": access,
        "KUBECONFIG": str(stack.kubeconfig_for(NAMESPACE, "kepler-audit")),
        "K_SINK": "http://127.0.0.1:9",
    }
