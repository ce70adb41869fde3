"""Every function there is; `FUNCTION` in the environment picks the one a process serves."""

from functions import audit, collected_metric, collector, dead_letter, status
from runtime.function import Function
from runtime.listener import Listener

FUNCTIONS: tuple[Function, ...] = (collected_metric.FUNCTION, collector.FUNCTION, status.FUNCTION)
LISTENERS: tuple[Listener, ...] = (audit.LISTENER, dead_letter.LISTENER)

NAMES: tuple[str, ...] = (*(one.name for one in FUNCTIONS), *(one.name for one in LISTENERS))
