"""`audit` in this process, for this machine only."""

import pytest

from audit.api import Api
from audit.database import Database
from audit.live import Live
from audit.nearby import nearby
from audit.receive import Audit
from audit.store import Store
from runtime.client import Answer


def served(database: Database) -> Audit:
    """What serves it, on this machine only, with no API server and no broker."""
    live = Live(lambda: lambda _: Answer(0, {"message": "the API server did not answer"}), "kepler-operator")
    sink = lambda: pytest.fail("nothing is to be sent")  # noqa: E731
    return Audit(Store(database), Api(database, live, nearby, sink).blueprint())
