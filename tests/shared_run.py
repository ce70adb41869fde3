"""A long run shared by processes, each with a control plane of its own, and what came of it added up.

A part writes each verdict as a line of JSON on its standard output; what people read goes to standard error.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from tests.faults.matrix import Verdict


def share(module: str, arguments: Sequence[str], processes: int, what: str) -> int:
    """Runs `python -m module` so often, each with its `--part`; 1 if any failed, or ended with anything but 0."""
    began = time.monotonic()
    command = [sys.executable, "-m", module, *arguments]
    parts = [
        subprocess.Popen([*command, "--part", f"{number}/{processes}"], stdout=subprocess.PIPE, text=True)
        for number in range(processes)
    ]
    lines = [line for part in parts for line in part.communicate()[0].splitlines()]
    verdicts = [Verdict(**json.loads(line)) for line in lines if line.startswith("{")]
    tried, failed = sum(verdict.tried for verdict in verdicts), sum(len(verdict.failed) for verdict in verdicts)
    say(f"{tried} {what} tried, {failed} failed, in {(time.monotonic() - began) / 60:.0f} minutes")
    return int(failed > 0 or any(part.returncode for part in parts))


def hand_in(lines: str, verdict: Verdict) -> None:
    """What a part has done so far: told to people, and to whoever adds up."""
    for what, broken in verdict.failed.items():
        say(f"FAILED {what}", *(f"       {text}" for text in broken))
    say(f"{lines}: {verdict.tried} tried, {len(verdict.failed)} failed")
    sys.stdout.write(json.dumps(asdict(verdict)) + "\n")
    sys.stdout.flush()


def say(*lines: str) -> None:
    """On standard error."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.stderr.flush()
