"""Addresses of databases: which are understood, and that no message has a password in it."""

from pathlib import Path

import pytest

from audit.storage.database import Database, url
from runtime.errors import Misconfigured, Unavailable


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2", "postgresql+psycopg"])
def test_any_postgresql_is_reached_by_the_same_driver(scheme: str) -> None:
    """Whatever the Secret of its operator says."""
    parsed = url(f"{scheme}://user:pass%40word@host:5432/name?sslmode=require")
    assert (parsed.drivername, parsed.password, parsed.query["sslmode"]) == (
        "postgresql+psycopg",
        "pass@word",
        "require",
    )


@pytest.mark.parametrize(
    "address",
    ["", "topsecret", "://topsecret", "mysql://a:topsecret@b/c", "sqlite://", "sqlite:///:memory:", "sqlite:///"],
)
def test_what_is_none_is_told_with_an_example(address: str) -> None:
    """Without repeating it."""
    with pytest.raises(Misconfigured, match="set it to one like 'sqlite:////var/lib/kepler-audit") as raised:
        url(address)
    assert "topsecret" not in str(raised.value)


def test_a_folder_has_to_be_there(tmp_path: Path) -> None:
    """It is not made: a volume that is not mounted would go unnoticed."""
    with pytest.raises(Misconfigured, match="is not a folder: create it, or name another one"):
        url(f"sqlite:///{tmp_path}/none/audit.db")


def test_a_password_is_in_no_message() -> None:
    """Nor in what the driver says."""
    database = Database("postgresql://audit:topsecret@127.0.0.1:1/reports")
    assert "topsecret" not in str(database)
    with pytest.raises(Unavailable) as raised, database.reading():
        pass
    assert "topsecret" not in str(raised.value)
    assert database.cause(ValueError("it says topsecret\nand more")) == "it says ***"
