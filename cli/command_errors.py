"""The exit codes of a command, and its errors; each message is one line that says what to do.

| code | meaning |
|---|---|
| 0 | success: everything is Ready, nothing differs, every check passes |
| 1 | the answer is "no": something is not Ready, differs, or does not pass |
| 2 | the command line is wrong |
| 3 | the API server, the Broker or the query API cannot be reached |
| 4 | the named object, or a kind that is needed, does not exist |
| 5 | you are not allowed to do this, or are not authenticated |
| 6 | the request is refused: the schema does not allow a resource, or a file contains none |
| 70 | a defect of this program |

CliError
├── UsageError      2: correct the command line
├── Unreachable     3: start the server, or name another address
├── Missing         4: create the object, or name another
├── Denied          5: log in, or ask for the permission
└── RequestRefused  6: change what the message names
"""

from enum import IntEnum

from runtime.errors import ApiError, Forbidden, Misconfigured, NotFound, OperatorError
from runtime.errors import Refused as RefusedByServer


class Exit(IntEnum):
    """The exit codes of a command."""

    OK = 0
    NO = 1
    USAGE = 2
    UNREACHABLE = 3
    MISSING = 4
    DENIED = 5
    REFUSED = 6
    DEFECT = 70


class CliError(Exception):
    """The root of all errors; the message is for the user at the terminal."""

    exit = Exit.NO

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(CliError):
    """The command line is wrong; the message says how to correct it."""

    exit = Exit.USAGE


class Unreachable(CliError):
    """A server does not answer."""

    exit = Exit.UNREACHABLE


class Missing(CliError):
    """The object that the user names does not exist."""

    exit = Exit.MISSING


class Denied(CliError):
    """The user lacks a permission, or is not authenticated."""

    exit = Exit.DENIED


class RequestRefused(CliError):
    """The request is refused; sending it again without a change cannot help."""

    exit = Exit.REFUSED


def as_cli_error(error: OperatorError) -> CliError:
    """Return the CLI's error for an error of the runtime."""
    message = " ".join(str(error).split())
    if isinstance(error, Forbidden):
        return Denied(f"{message}; ask whoever runs the cluster for this permission")
    if isinstance(error, NotFound):
        return Missing(message)
    if isinstance(error, RefusedByServer):
        return RequestRefused(message)
    if isinstance(error, Misconfigured):
        return Unreachable(message)
    return Unreachable(f"{message}; try again" if isinstance(error, ApiError) else message)
