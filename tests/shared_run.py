"""A long run shared by processes, each with a control plane of its own, and the sum of their verdicts.

A part writes each verdict as a line of JSON on its standard output; progress for people goes to standard error.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from tests.faults.matrix import Verdict


def share(module: str, arguments: Sequence[str], processes: int, what: str) -> int:
    """Run `python -m module` in that many processes, each with its `--part`; return 1 if any failed.

    SIGTERM and Ctrl-C end the parts, too, and wait until their control planes are down.
    """
    end_on_sigterm()
    began = time.monotonic()
    command = [sys.executable, "-m", module, *arguments]
    parts = [
        subprocess.Popen([*command, "--part", f"{number}/{processes}"], stdout=subprocess.PIPE, text=True)
        for number in range(processes)
    ]
    try:
        lines = [line for part in parts for line in part.communicate()[0].splitlines()]
    finally:
        for part in parts:
            part.terminate()
        for part in parts:
            part.wait()
    verdicts = [Verdict(**json.loads(line)) for line in lines if line.startswith("{")]
    tried, failed = sum(verdict.tried for verdict in verdicts), sum(len(verdict.failed) for verdict in verdicts)
    say(f"{tried} {what} tried, {failed} failed, in {(time.monotonic() - began) / 60:.0f} minutes")
    return int(failed > 0 or any(part.returncode for part in parts))


def end_on_sigterm() -> None:
    """Let SIGTERM end this process as Ctrl-C does, so that context managers end what they started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def hand_in(lines: str, verdict: Verdict) -> None:
    """Print the verdict of a part: readable on standard error, as JSON for the process that adds up."""
    for what, broken in verdict.failed.items():
        say(f"FAILED {what}", *(f"       {text}" for text in broken))
    say(f"{lines}: {verdict.tried} tried, {len(verdict.failed)} failed")
    sys.stdout.write(json.dumps(asdict(verdict)) + "\n")
    sys.stdout.flush()


def say(*lines: str) -> None:
    """Write lines to standard error at once."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.stderr.flush()
