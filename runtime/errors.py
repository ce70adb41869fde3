"""All errors that are raised on purpose, and what the caller does about each.

OperatorError
├── NotAnEvent        400: the request cannot be decoded; the broker sends it to the dead letters at once
├── Misconfigured     the process cannot start; the message says which setting to change
├── Defect            500: an error of another class, in a function; the broker delivers again, then dead letter
└── ApiError          the API server refused, or could not be reached
    ├── Conflict      409: somebody else wrote; read again, from the start
    ├── NotFound      404: the namespace or the object is gone; read again
    ├── Refused       the same request will be refused again; the condition says why
    │   ├── Invalid   400, 413, 422: the user must change the resource
    │   └── Forbidden 403: a permission is missing, or the namespace is being deleted
    └── Unavailable   429, 5xx, no answer in time: answer 503 and the broker delivers again
"""

import re
from copy import copy
from typing import Self

# A ServiceAccount as the API server's authorisation names it.
ACCOUNT = re.compile(r'User "system:serviceaccount:[^:"]+:([^:"]+)"')


class OperatorError(Exception):
    """The root of all errors that are raised on purpose."""


class NotAnEvent(OperatorError):
    """The request is not a CloudEvent this function understands; repeating it cannot help."""


class Misconfigured(OperatorError):
    """An environment setting is missing or wrong; the process ends with this message."""


class Defect(OperatorError):
    """A defect of this project: an error that no function raises on purpose.

    `message` and `trace`, the traceback, are redacted. `function` is the function that it ended, if that is known.
    """

    def __init__(self, message: str, *, function: str, trace: str) -> None:
        super().__init__(message)
        self.message = message
        self.function = function
        self.trace = trace


class ApiError(OperatorError):
    """An answer of the API server other than success.

    `status` is its HTTP code, or 0 without an answer; `reason` its machine-readable reason (`AlreadyExists`).
    `function` is the function that the error ended, if that is known.
    """

    def __init__(self, message: str, *, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason
        self.function = ""

    def in_function(self, function: str, message: str) -> Self:
        """Return the same error with the function that it ended, and with another message."""
        error = copy(self)
        error.args, error.message, error.function = (message,), message, function
        return error


class Conflict(ApiError):
    """A lock did not hold: read everything again and decide anew."""


class NotFound(ApiError):
    """The object to write to, or its namespace, does not exist (any more)."""


class Refused(ApiError):
    """Retrying cannot help; somebody has to change something."""


class Invalid(Refused):
    """The API server does not accept what this function intends; its message names the field."""


class Forbidden(Refused):
    """The function's ServiceAccount may not do this, admission refuses it, or the namespace is terminating."""

    @property
    def namespace_terminates(self) -> bool:
        """Return whether the namespace is being deleted, with every object in it."""
        return self.reason == "NamespaceTerminating"

    @property
    def lacks_permission(self) -> bool:
        """Return whether a permission is missing; else admission refuses the object itself, such as a claim that grows.

        The code is the same for both; only authorisation names the user (k8s.io/apiserver v0.35:
        pkg/endpoints/handlers/responsewriters/errors.go, forbiddenMessage).
        """
        return 'User "' in self.message

    @property
    def account(self) -> str:
        """Return the name of the ServiceAccount that lacks the permission; empty if the message names none."""
        name = ACCOUNT.search(self.message)
        return name[1] if name else ""


class Unavailable(ApiError):
    """Throttled, overloaded, restarting, or a conflict that did not end: the broker retries with back-off.

    `retry_after` is the number of seconds that the API server asked to wait; 0 if it named none.
    """

    retry_after: float = 0.0
