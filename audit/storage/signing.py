"""Verifies that our functions signed an event: a report, a sweep or a request. Creates the key when `audit` starts.

Fails closed: while there is no key, no such event is stored. Signed events are delivered again later, unsigned ones are
refused.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from audit.storage.dropped_events import UNSIGNED, WRONG_SIGNATURE
from audit.storage.entries import EventRefused
from runtime.errors import OperatorError
from runtime.event import Event
from runtime.signature import ATTRIBUTE, SECRET_NAME, Keyring

log = logging.getLogger("kepler.audit")

# Seconds between two attempts to create the key, and between two checks that it exists.
AGAIN = 10.0


class Keys(Protocol):
    """The signing key of this installation; `runtime.signature.Keyring` implements this."""

    def verify(self, event: Event) -> bool:
        """Return whether the event is signed with the key. Raises Unavailable if that cannot be checked yet."""


def check(event: Event, keys: Keys) -> None:
    """Raise EventRefused for an event without a valid signature, Unavailable if that cannot be checked yet."""
    if not event.extensions.get(ATTRIBUTE):
        raise EventRefused("it carries no signature", UNSIGNED)
    if not keys.verify(event):
        raise EventRefused("its signature is not that of its attributes and data", WRONG_SIGNATURE)


def begin(keyring: Keyring) -> None:
    """Start a thread that ensures that the key exists, for as long as the process runs."""
    threading.Thread(target=keep, args=(keyring,), name="signing-key", daemon=True).start()


def keep(keyring: Keyring, rest: Callable[[float], None] = time.sleep) -> None:
    """Create the key, and again if somebody deletes it: a function that starts without a key cannot sign."""
    while True:
        make(keyring, rest)
        rest(AGAIN)


def make(keyring: Keyring, rest: Callable[[float], None] = time.sleep) -> None:
    """Return when the key exists; log what to do while it does not."""
    while True:
        try:
            keyring.make()
        except OperatorError as failed:
            log.warning(
                f"no report is kept until there is a Secret '{SECRET_NAME}' in namespace '{keyring.namespace}' with 32 "
                "random bytes in `key`: create it, or let ServiceAccount 'kepler-audit' create it by applying "
                "`config/` again, with the overlay that is installed",
                extra={"reason": str(failed)},
            )
            rest(AGAIN)
        else:
            return
