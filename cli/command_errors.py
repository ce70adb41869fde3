"""How a command ends: its exit codes, and everything that can go wrong, each with one line that says what to do.

| code | says |
|---|---|
| 0 | all is well: everything is Ready, nothing differs, every check passes |
| 1 | the answer is "no": something is not Ready, differs, or does not pass |
| 2 | the command line is wrong |
| 3 | the API server, the Broker or the query API cannot be reached |
| 4 | what is named, or a kind that is needed, is not there |
| 5 | you may not do this, or nobody knows who you are |
| 6 | what was sent is refused: a resource that the schema does not allow, a file that holds none |
| 70 | a defect of this program |

CliError
├── UsageError      2: call it otherwise
├── Unreachable     3: start it, or name another address
├── Missing         4: create it, or name another
├── Denied          5: log in, or ask for the permission
└── RequestRefused  6: change what the message names
"""

from enum import IntEnum

from runtime.errors import ApiError, Forbidden, Misconfigured, NotFound, OperatorError
from runtime.errors import Refused as RefusedByServer


class Exit(IntEnum):
    """What a command leaves behind for scripts."""

    OK = 0
    NO = 1
    USAGE = 2
    UNREACHABLE = 3
    MISSING = 4
    DENIED = 5
    REFUSED = 6
    DEFECT = 70


class CliError(Exception):
    """The root: the message is for the person at the terminal."""

    exit = Exit.NO

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(CliError):
    """The command line is wrong, and its message says how it is right."""

    exit = Exit.USAGE


class Unreachable(CliError):
    """A server does not answer."""

    exit = Exit.UNREACHABLE


class Missing(CliError):
    """The object that the user names does not exist."""

    exit = Exit.MISSING


class Denied(CliError):
    """A permission, or an identity, is missing."""

    exit = Exit.DENIED


class RequestRefused(CliError):
    """Sending the same again cannot help."""

    exit = Exit.REFUSED


def as_cli_error(error: OperatorError) -> CliError:
    """What an answer of the API server means to whoever called the command."""
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
