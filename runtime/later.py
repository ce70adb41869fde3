"""A look some seconds later, where what a decision rests on changes without an event that wakes the function.

Pods that cannot start say so in Events, which are too many to be sent to everybody. So a function that found its
workload not available asks itself, by an event through the Broker, to look again: after 3, 6, 12, 24 and 48 seconds,
then no more, since a function that waits for ever never scales to zero. This is a convenience: it is lost with the
process, and the sweep does the same.
"""

import heapq
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cloudevents.core.v1.event import CloudEvent

from runtime.errors import OperatorError
from runtime.objects import Ref

log = logging.getLogger(__name__)

# Seconds from one look to the next.
DELAYS = (3.0, 6.0, 12.0, 24.0, 48.0)
# Seconds after which a question is a new one: an event has come since the last look, and something may have moved.
ANEW = 2 * DELAYS[-1]
# Objects for which a look may be outstanding; further ones are left to the sweep.
MOST = 1000


@dataclass
class Later:
    """Sends an event about an object some seconds later, at most once for each delay and version of the question.

    `event` makes the event of an object, `send` sends it. Safe for threads; one thread of its own, while it has work.
    """

    event: Callable[[Ref], CloudEvent]
    send: Callable[[CloudEvent], None]
    delays: tuple[float, ...] = DELAYS
    anew: float = ANEW
    _asked: dict[Ref, tuple[int, int, float]] = field(default_factory=dict)
    _due: list[tuple[float, Ref]] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _works: bool = False

    def again(self, key: Ref, generation: int) -> None:
        """Have an object looked at later, unless a look is outstanding or all delays are used up for its generation.

        A question that nobody has asked for `anew` seconds begins with the shortest delay.
        """
        now = time.monotonic()
        with self._changed:
            known, used, last = self._asked.get(key, (generation, 0, now))
            used = used if known == generation and now - last <= self.anew else 0
            outstanding = any(ref == key for _, ref in self._due)
            if outstanding or used >= len(self.delays) or len(self._due) >= MOST:
                return
            self._asked[key] = (generation, used + 1, now)
            heapq.heappush(self._due, (now + self.delays[used], key))
            if not self._works:
                self._works = True
                threading.Thread(target=self._work, name="later", daemon=True).start()
            self._changed.notify()

    def settle(self, key: Ref) -> None:
        """Forget the delays of an object: its next look comes after the shortest one."""
        with self._changed:
            self._asked.pop(key, None)
            self._due = [entry for entry in self._due if entry[1] != key]
            heapq.heapify(self._due)

    def _work(self) -> None:
        while (key := self._next()) is not None:
            try:
                self.send(self.event(key))
            except OperatorError as error:
                log.warning("a look later could not be asked for: %s", error, extra={"object": str(key)})

    def _next(self) -> Ref | None:
        """The next object that is due, waited for; None where none is left."""
        with self._changed:
            while self._due:
                left = self._due[0][0] - time.monotonic()
                if left <= 0:
                    return heapq.heappop(self._due)[1]
                self._changed.wait(left)
            self._works = False
            return None
