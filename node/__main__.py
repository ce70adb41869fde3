"""`python -m node`: a whole node with Knative and the operator, from the command line, as root."""

import argparse
import os
import shutil
import subprocess
import sys
import time

from local.local_errors import LocalError
from local.process import recorded_processes
from node import pinned, prerequisites, sandbox, user_install
from node.machine import STATE, Node
from node.official import ScaleToZero

NOT_POSSIBLE = 3
# Seconds; short enough for tests and demonstrations. Knative's defaults are 60 and 30.
WINDOW = 6


def main(arguments: list[str] | None = None) -> int:
    """Run a command. Return 0 if it succeeded, 1 after a message if not, 3 if this machine cannot run a node."""
    chosen = _parser().parse_args(arguments)
    try:
        return COMMANDS[chosen.command](chosen)
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _build(_: argparse.Namespace) -> int:
    pinned.build_all(say=_say)
    return 0


def _check(_: argparse.Namespace) -> int:
    missing = prerequisites.examine()
    for sentence in missing.sentences():
        print(sentence)
    return NOT_POSSIBLE if missing.impossible else int(bool(missing.packages))


def _install_packages(_: argparse.Namespace) -> int:
    missing = prerequisites.examine()
    if missing.impossible or not missing.packages:
        for sentence in missing.impossible:
            print(sentence)
        return NOT_POSSIBLE if missing.impossible else 0
    if not shutil.which("apt-get"):
        print(f"there is no apt-get here: install what corresponds to {' '.join(missing.packages)}", file=sys.stderr)
        return 1
    _say(f"installing {' '.join(missing.packages)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], [*prerequisites.INSTALL.split(), "-y", "-qq", *missing.packages]):
        if code := subprocess.run(command, env=environment, check=False).returncode:
            return code
    return 0


def _up(chosen: argparse.Namespace) -> int:
    if _check(chosen):
        return 1
    pinned.build_all(say=_say)
    began = time.monotonic()
    node = Node(say=_say, config=user_install.COMPACT if chosen.compact else user_install.BASE)
    node.up(ScaleToZero(chosen.window, chosen.window), operator=not chosen.bare)
    _say(f"ready after {time.monotonic() - began:.0f} s; export KUBECONFIG={node.layout.kubeconfig}")
    return 0


def _down(_: argparse.Namespace) -> int:
    left = Node(say=_say).down()
    for remnant in left:
        print(f"could not be removed: {remnant}", file=sys.stderr)
    return int(bool(left))


def _status(_: argparse.Namespace) -> int:
    if not sandbox.running(STATE):
        print("no node is up: `python -m node up` starts one")
        return 1
    node = Node()
    ended = [record.name for record in recorded_processes(node.layout.records) if not record.process()]
    for name in ended:
        print(f"{name} has ended; its log is {node.layout.log(name)}")
    print(node.kubectl("get", "pods", "-A"), end="")
    missing = user_install.unready(node.api)
    for sentence in missing:
        print(sentence)
    return int(bool(ended or missing))


COMMANDS = {
    "build": _build,
    "check": _check,
    "install-packages": _install_packages,
    "up": _up,
    "down": _down,
    "status": _status,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m node", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the pinned programs, if they are not built yet")
    commands.add_parser("check", help="what this machine lacks; ends with 0 if a node can be made")
    commands.add_parser("install-packages", help="install the Debian packages that are missing")
    up = commands.add_parser("up", help="start a node with Knative and the operator; it stays up")
    up.add_argument("--bare", action="store_true", help="without the operator")
    up.add_argument("--compact", action="store_true", help="all functions in one Service")
    up.add_argument("--window", type=int, default=WINDOW, help="seconds until scale to zero, and its grace")
    commands.add_parser("down", help="remove the node, however it was left")
    commands.add_parser("status", help="what runs; ends with 0 only if everything does")
    return parser


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
