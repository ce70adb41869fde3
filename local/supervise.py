"""Restarts processes that have ended, as a kubelet would: at once the first time, then with back-off."""

import threading
import time
from collections.abc import Callable

from local.process import last_line
from local.stack import Stack

INTERVAL = 0.1
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0

# Seconds after which a part counts as healthy: its next end counts as the first one.
HEALTHY_SECONDS = 20.0


def delay(failures: int) -> float:
    """Return the seconds to wait before a part is restarted that has ended `failures` times in a row."""
    return 0.0 if failures <= 1 else float(min(FIRST_DELAY * 2 ** (failures - 2), LONGEST_DELAY))


class Supervisor:
    """Keeps a stack's parts running while `step` is called. Prints one line by `say` for each part that ended."""

    def __init__(self, stack: Stack, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._say = say
        self._failures: dict[str, int] = {}
        # Times at which parts that have ended are started again.
        self._due: dict[str, float] = {}
        self._began: dict[str, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Restart ended processes until `stop` is set."""
        while not stop.wait(INTERVAL):
            self.step()

    def step(self) -> None:
        """Check every part once, and restart those that have ended and are due."""
        now = time.monotonic()
        for name, process in list(self._stack.processes.items()):
            if process.alive:
                continue
            if name not in self._due:
                self._schedule_restart(name, now)
            if now >= self._due[name]:
                del self._due[name]
                self._began[name] = now
                self._stack.revive(name)

    def _schedule_restart(self, name: str, now: float) -> None:
        """Print that a part has ended, and note when to start it again."""
        ran = now - self._began.get(name, 0.0)
        self._failures[name] = 1 if ran > HEALTHY_SECONDS else self._failures.get(name, 0) + 1
        wait = delay(self._failures[name])
        self._due[name] = now + wait
        when = f"in {wait:.1f} s" if wait else "now"
        log = self._stack.processes[name].spec.log
        self._say(f"{name} ended and is started again {when}; its log {log} ends: {last_line(log)}")
