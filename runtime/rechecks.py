"""Reconciles an object again some seconds later, if its decision depends on something that sends no event.

The reason why pods do not start is in core/v1 Events, which are too many to be delivered to functions. So if a workload
is not available, its function sends itself an event through the Broker after 3, 6, 12, 24 and 48 seconds. Then it
stops: a function that never stops would never scale to zero. Rechecks are lost with the process; the next sweep
replaces them.
"""

import heapq
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cloudevents.core.v1.event import CloudEvent

from runtime.errors import OperatorError
from runtime.log_fields import object_field
from runtime.objects import Ref

log = logging.getLogger(__name__)

# Seconds before each recheck, in order.
DELAYS = (3.0, 6.0, 12.0, 24.0, 48.0)
# Seconds without a recheck after which the delays start again with the shortest.
RESET = 2 * DELAYS[-1]
# Objects with a scheduled recheck; further objects are left to the sweep.
LIMIT = 1000


@dataclass
class Rechecks:
    """Sends an event about an object after each of `delays`, once for each delay and generation of the object.

    `event` makes the event for an object, `send` sends it. Thread-safe. Runs one thread while a recheck is scheduled.
    """

    event: Callable[[Ref], CloudEvent]
    send: Callable[[CloudEvent], None]
    delays: tuple[float, ...] = DELAYS
    reset: float = RESET
    _used: dict[Ref, tuple[int, int, float]] = field(default_factory=dict)
    _due: list[tuple[float, Ref]] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _running: bool = False

    def schedule(self, key: Ref, generation: int) -> None:
        """Schedule a recheck, unless one is scheduled or all delays are used up for this generation of the object.

        Delays start again with the shortest after `reset` seconds without a recheck.
        """
        now = time.monotonic()
        with self._changed:
            known, used, last = self._used.get(key, (generation, 0, now))
            used = used if known == generation and now - last <= self.reset else 0
            scheduled = any(ref == key for _, ref in self._due)
            if scheduled or used >= len(self.delays) or len(self._due) >= LIMIT:
                return
            self._used[key] = (generation, used + 1, now)
            heapq.heappush(self._due, (now + self.delays[used], key))
            if not self._running:
                threading.Thread(target=self._run, name="rechecks", daemon=True).start()
                self._running = True  # after the start, which fails where no thread can be had
            self._changed.notify()

    def cancel(self, key: Ref) -> None:
        """Cancel an object's recheck; its next one comes after the shortest delay."""
        with self._changed:
            self._used.pop(key, None)
            self._due = [entry for entry in self._due if entry[1] != key]
            heapq.heapify(self._due)

    def _run(self) -> None:
        while (key := self._next()) is not None:
            try:
                self.send(self.event(key))
            except OperatorError as error:
                log.warning(
                    "a recheck could not be sent: %s", error, extra=object_field(key.kind.name, key.namespace, key.name)
                )
            except Exception:
                log.exception("a recheck could not be sent", extra=object_field(key.kind.name, key.namespace, key.name))

    def _next(self) -> Ref | None:
        """Wait until a recheck is due and return its object; None if none is scheduled."""
        with self._changed:
            while self._due:
                left = self._due[0][0] - time.monotonic()
                if left <= 0:
                    return heapq.heappop(self._due)[1]
                self._changed.wait(left)
            self._running = False
            return None
