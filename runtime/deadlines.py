"""How long things may take, in one place, since each bound rests on another.

    one call  <=  READ  <=  a reconcile: RECONCILE  <  GRACE
    TURN + RECONCILE  <  a Trigger's timeout: TRIGGER  <  the revision's: revision(TRIGGER)
    a sweep: SWEEP    <  its Trigger's: SWEEP_TRIGGER  <  the revision's  <=  REVISION_MOST

A reconcile that is cut off by its Trigger goes on for nothing while the broker delivers the event again; a request that
is cut off by the revision looks to the broker like a crash. So the inner bound always comes first, and the function
answers 503 by itself. All in seconds.
"""

import time
from dataclasses import dataclass, field

# To open a connection to the API server, and to wait for one answer; both never more than what is left of the deadline.
CONNECT = 3.0
READ = 10.0

# One reconcile, with all its calls, retries and pauses.
RECONCILE = 20.0
# To wait while another thread reconciles the same object, or while all workers are busy.
TURN = 22.0
# What a Trigger waits for an answer.
TRIGGER = 50
# What is added for a revision's own timeout.
ABOVE_TRIGGER = 30
# What Knative Serving allows a revision at most (`max-revision-timeout-seconds`).
REVISION_MOST = 600

SWEEP = 500.0
SWEEP_TRIGGER = 570
# Between the beginnings of two sweeps of a process, whoever asks for them.
SWEEP_PAUSE = 60.0
# Between one that failed and the next; the broker's retries of one event last a little longer.
SWEEP_AGAIN = 5.0

# What a reconcile may still take when the process is told to end.
GRACE = 25.0
# To send one event to the sink.
SEND = 15.0


def revision(trigger: int) -> int:
    """Return the timeout of the revision behind a Trigger with this timeout."""
    return trigger + ABOVE_TRIGGER


@dataclass(frozen=True)
class Deadline:
    """A time by which something has to be done: so many seconds from now, on the monotonic clock."""

    seconds: float
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds that are left; never negative."""
        return max(0.0, self.began + self.seconds - time.monotonic())
