"""Every function there is; `FUNCTION` in the environment picks the one a process serves."""

from functions import (
    audit,
    collected_metric,
    collector,
    dead_letter,
    estimator,
    exported_power,
    machine_config,
    machine_spec,
    model_server,
    monitoring,
    status,
    sweep,
)
from runtime.declaration import Function
from runtime.listener import Listener

FUNCTIONS: tuple[Function, ...] = (
    collected_metric.FUNCTION,
    exported_power.FUNCTION,
    estimator.FUNCTION,
    model_server.FUNCTION,
    collector.FUNCTION,
    monitoring.FUNCTION,
    status.FUNCTION,
    machine_spec.FUNCTION,
    machine_config.FUNCTION,
)
LISTENERS: tuple[Listener, ...] = (sweep.listener(FUNCTIONS), audit.listener(FUNCTIONS), dead_letter.LISTENER)

NAMES: tuple[str, ...] = (*(member.name for member in FUNCTIONS), *(member.name for member in LISTENERS))
