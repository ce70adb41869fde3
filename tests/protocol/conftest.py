"""Databases for what is kept: a fresh one a test, of each sort, and one that is filled; and where dead letters go."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from audit.storage import schema_upgrade
from audit.storage.database import Database
from audit.storage.store import Store
from local.stack import Stack
from runtime.edge import application
from tests import postgres
from tests.audit_sample import fill
from tests.audit_serving import served
from tests.postgres import Postgres
from tests.protocol.dead_letter_desk import DeadLetterDesk

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One PostgreSQL for all tests of a session."""
    with postgres.server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once of each sort."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/audit.db"
    server: Postgres = request.getfixturevalue("postgres_server")
    return server.create(f"test-{next(_numbers)}")


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    """One with its tables."""
    database = Database(address)
    schema_upgrade.prepare(database)
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> Store:
    """Where entries go."""
    return Store(database)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Some hundred reports."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('kept')}/audit.db")
    schema_upgrade.prepare(database)
    fill(Store(database), 300)
    yield database
    database.close()


@pytest.fixture
def client(filled: Database) -> FlaskClient:
    """Asks as a browser of this machine's does."""
    return application({"audit": served(filled)}).test_client()


@pytest.fixture
def desk(control_plane: Stack) -> DeadLetterDesk:
    """The function that keeps dead letters, with nothing sent yet."""
    return DeadLetterDesk(control_plane)
