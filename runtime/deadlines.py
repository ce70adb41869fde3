"""All time limits, in one place, since each depends on another. All in seconds.

    one call  <=  READ  <=  a reconcile: RECONCILE  <  GRACE
    TURN + RECONCILE  <  ANSWER
    ANSWER + SEND_REPORT  <  a Trigger's timeout: TRIGGER  <  the revision's: revision(TRIGGER)
    a sweep: SWEEP    <  its Trigger's: SWEEP_TRIGGER  <  the revision's  <=  REVISION_MOST

If a Trigger's timeout cuts a reconcile off, the reconcile continues in vain while the broker redelivers the event. If
the revision's timeout cuts a request off, the broker sees a crash. So the inner limit always comes first, and the
function itself answers 503.
"""

import time
from dataclasses import dataclass, field

# Time to connect to the API server, and to wait for one answer; never more than what is left of the deadline.
CONNECT = 3.0
READ = 10.0

# One reconcile, with all its calls, retries and pauses.
RECONCILE = 20.0
# One request with its retries, of a function that shares its reconcile's time with others in its process.
SHARED_PATIENCE = 5.0
# Wait while another thread reconciles the same object, or while all workers are busy.
TURN = 22.0
# A Trigger's timeout for an answer.
TRIGGER = 50
# Added to a Trigger's timeout for the revision's timeout.
ABOVE_TRIGGER = 30
# The longest revision timeout that Knative Serving allows (`max-revision-timeout-seconds`).
REVISION_MOST = 600

SWEEP = 500.0
SWEEP_TRIGGER = 570
# Minimum between the starts of two sweeps of a process, whatever requests them.
SWEEP_PAUSE = 60.0
# Minimum between a failed sweep and the next; the broker's retries of one event last a little longer.
SWEEP_AGAIN = 5.0

# Time for running reconciles after the process gets SIGTERM, with Python 3.11. With 3.12.1 and newer, the server waits
# until all requests have ended, which the limits above bound; the kubelet ends the process after `revision(TRIGGER)`.
GRACE = 25.0
# Time to send one event to the sink, with all retries; of a function that reconciles, one report or request.
SEND = 15.0
SEND_REPORT = 4.0
# Time since an event came after which a function that reconciles sends no further report or request.
ANSWER = 45.0


def revision(trigger: int) -> int:
    """Return the timeout of the revision behind a Trigger with this timeout."""
    return trigger + ABOVE_TRIGGER


@dataclass(frozen=True)
class Deadline:
    """A point in time, `seconds` after `began`, on the monotonic clock."""

    seconds: float
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Return the seconds that are left; never negative."""
        return max(0.0, self.began + self.seconds - time.monotonic())
