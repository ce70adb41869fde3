"""All functions that write objects. `status`, which combines their conditions, reads them from here."""

from functions import (
    collected_metric,
    collector,
    estimator,
    exported_power,
    machine_config,
    machine_spec,
    model_server,
    monitoring,
)
from runtime.declaration import Function

RECONCILERS: tuple[Function, ...] = (
    collected_metric.FUNCTION,
    exported_power.FUNCTION,
    estimator.FUNCTION,
    model_server.FUNCTION,
    collector.FUNCTION,
    monitoring.FUNCTION,
    machine_spec.FUNCTION,
    machine_config.FUNCTION,
)
