"""Errors that end the work for an event: named by function, redacted, and logged in one form.

The API server's message, or a traceback, may repeat confidential values of the object that was reconciled. Only the
reconcile has read the whole object, so it redacts its error, before anything else sees it.
"""

import logging
import traceback
from collections.abc import Mapping

from runtime import measures, redact
from runtime.errors import ApiError, Defect
from runtime.redact import Mask

log = logging.getLogger("kepler")


def redacted(error: Exception, function: str, mask: Mask) -> ApiError | Defect:
    """Return the error of a function without confidential values; an error that is not ours becomes a Defect."""
    if isinstance(error, ApiError):
        return error.in_function(function, mask.text(error.message))
    return _defect(error, function, mask)


def _defect(error: Exception, function: str, mask: Mask) -> Defect:
    trace = "".join(traceback.format_exception(error))
    return Defect(
        mask.text(f"{type(error).__name__}: {error}"),
        function=function,
        trace=mask.text(trace, redact.LONGEST_LOGGED),
    )


def log_failure(error: Exception, facts: Mapping[str, str | int], mask: Mask = redact.NOTHING_KNOWN) -> str:
    """Log an error with these facts about its event, and return what the answer to the event says; both redacted."""
    if isinstance(error, ApiError):
        message = mask.text(error.message)
        about = {"outcome": measures.FAILED, "reason": message}
        log.warning("failed", extra={**facts, **_function(error.function), **about})
        return message
    defect = error if isinstance(error, Defect) else _defect(error, "", mask)
    log.error(
        "defect",
        extra={**facts, **_function(defect.function), "outcome": measures.DEFECT, "traceback": defect.trace},
    )
    return defect.message


def reason(error: Exception) -> str:
    """Return what a line says about an error in sending an event: of an unexpected one only the class."""
    return redact.text(error.message) if isinstance(error, ApiError) else type(error).__name__


def _function(name: str) -> dict[str, str]:
    """Return the field of a line that names the function, in place of the process's; none if it is not known."""
    return {"function": name} if name else {}
