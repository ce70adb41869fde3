"""Only what our functions signed is kept: reports, sweeps and requests. Makes the key when `audit` starts.

Fails closed: as long as there is no key, nothing that only such an event tells is kept. What is signed is delivered
again then; what is not is refused.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from audit.storage.dropped_events import UNSIGNED, WRONG_SIGNATURE
from audit.storage.entries import NotKept
from runtime.errors import OperatorError, Unavailable
from runtime.event import Event
from runtime.signature import ATTRIBUTE, SECRET_NAME, Keyring

log = logging.getLogger("kepler.audit")

# Seconds between two attempts to make the key, and between two looks whether it is there.
AGAIN = 10.0


class Keys(Protocol):
    """The key of this installation, as `runtime.signature.Keyring` has it."""

    def __call__(self) -> bytes | None:
        """Return the key, or None while there is none."""

    def verify(self, event: Event) -> bool:
        """Whether the event is signed with it."""


def check(event: Event, keys: Keys) -> None:
    """Raise NotKept for an event that none of our functions has signed, Unavailable while that cannot be told."""
    if not event.extensions.get(ATTRIBUTE):
        raise NotKept("it carries no signature", UNSIGNED)
    if keys.verify(event):
        return
    if keys() is None:
        raise Unavailable(f"no signature can be checked: Secret '{SECRET_NAME}' is missing, or cannot be read")
    raise NotKept("its signature is not that of its attributes and data", WRONG_SIGNATURE)


def begin(keyring: Keyring) -> None:
    """See to it that there is a key, in a thread of its own, for as long as the process runs."""
    threading.Thread(target=keep, args=(keyring,), name="signing-key", daemon=True).start()


def keep(keyring: Keyring, rest: Callable[[float], None] = time.sleep) -> None:
    """Make the key, and another one where somebody has deleted it: whoever starts then could sign nothing."""
    while True:
        make(keyring, rest)
        rest(AGAIN)


def make(keyring: Keyring, rest: Callable[[float], None] = time.sleep) -> None:
    """Return when there is a key; say what to do as long as there is none."""
    while True:
        try:
            keyring.make()
        except OperatorError as failed:
            log.warning(
                f"no report is kept until there is a Secret '{SECRET_NAME}' in namespace '{keyring.namespace}' with 32 "
                "random bytes in `key`: let ServiceAccount 'kepler-audit' create it (`config/base`), or create it",
                extra={"reason": str(failed)},
            )
            rest(AGAIN)
        else:
            return
