"""A real PostgreSQL for tests: a server of its own on a free port of this machine, gone with the run.

It refuses to run as root, so there it runs as `nobody`.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

ROOT_USES = "nobody"
# What Debian, Fedora and Homebrew install, beside what `PATH` has.
FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
MISSING = "these tests need PostgreSQL: install it (Debian: `apt-get install postgresql`), or put `initdb` on the PATH"
PASSWORD = "p@ss/word"


@dataclass(frozen=True)
class Postgres:
    """A server, and where it listens."""

    bin: Path
    data: Path
    port: int

    def url(self, database: str) -> str:
        """With a password that has to be quoted in a URL."""
        return f"postgresql://audit:p%40ss%2Fword@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """A new database; its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"')
        return self.url(database)

    def start(self) -> None:
        """Returns when it answers."""
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self.data.parent}"
        _run(self.bin / "pg_ctl", "start", "-w", "-D", self.data, "-l", self.data.parent / "log", "-o", options)

    def stop(self) -> None:
        """Breaks every connection off."""
        _run(self.bin / "pg_ctl", "stop", "-w", "-m", "immediate", "-D", self.data)


@contextmanager
def server() -> Iterator[Postgres]:
    """One that is new and empty; it writes through to the disk, as a real one does."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="kepler-postgres-", dir="/tmp"))  # sockets want a short path
    try:
        if os.getuid() == 0:
            shutil.chown(folder, ROOT_USES)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        postgres = Postgres(programs, folder / "data", _port())
        authentication = ("--auth=scram-sha-256", f"--pwfile={secret}", "--username=audit")
        _run(programs / "initdb", "-D", postgres.data, "--encoding=UTF8", "--locale=C", *authentication)
        postgres.start()
        try:
            yield postgres
        finally:
            postgres.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else []
    for pattern in FOLDERS:
        folders += sorted((path for path in Path("/").glob(pattern[1:]) if (path / "initdb").exists()), reverse=True)
    if not folders:
        pytest.fail(MISSING, pytrace=False)
    return folders[0]


def _run(program: Path, *arguments: str | Path) -> None:
    """As a user that PostgreSQL accepts; raises with what it said."""
    another: dict[str, Any] = {}
    if os.getuid() == 0:
        another = {"user": ROOT_USES, "group": pwd.getpwnam(ROOT_USES).pw_gid, "extra_groups": []}
    with tempfile.TemporaryFile() as temporary_file:
        command = [program, *arguments]
        done = subprocess.run(command, cwd="/", stdout=temporary_file, stderr=temporary_file, check=False, **another)
        temporary_file.seek(0)
        assert done.returncode == 0, temporary_file.read().decode(errors="replace")


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
