"""All functions and listeners; `FUNCTION` in the environment selects the one that a process serves."""

from audit import audit_listener
from dead_letters import dead_letter_listener
from functions import status
from functions.reconcilers import RECONCILERS
from runtime.declaration import Function
from runtime.listener import Listener
from runtime.settings import COMPACT
from sweeper import sweep_listener

FUNCTIONS: tuple[Function, ...] = (*RECONCILERS, status.FUNCTION)
_WATCHERS: tuple[Listener, ...] = (sweep_listener.listener(FUNCTIONS), audit_listener.listener(FUNCTIONS))
RECEIVING_LETTERS = (
    *(function.name for function in FUNCTIONS),
    COMPACT,
    *(listener.name for listener in _WATCHERS),
)
LISTENERS: tuple[Listener, ...] = (*_WATCHERS, dead_letter_listener.listener(RECEIVING_LETTERS))

NAMES: tuple[str, ...] = (*(function.name for function in FUNCTIONS), *(listener.name for listener in LISTENERS))
