"""The errors of this package, each with one sentence that says what to do.

LocalError               the command line prints the message and exits with 1
├── BuildError           a program could not be built: the message names Go's log, or how to get Go
├── AlreadyRunning       another run owns this state folder: stop that one first
├── PortBusy             another program listens on a port that a part needs
├── PartFailed           a process ended or did not become ready: the message names its log
├── CommandFailed        kubectl or the API server refused
├── ConfigUnusable       `config/` requires something that the local stack does not support
├── NotReady             everything runs, but the resources did not become ready in time
└── Interrupted          a signal arrived during a wait
"""


class LocalError(Exception):
    """The root of all errors here: its message is for the user at the terminal."""


class BuildError(LocalError):
    """A program could not be built. No partial files are left behind; calling again continues the build."""


class AlreadyRunning(LocalError):
    """The state folder is owned by a live run."""


class PortBusy(LocalError):
    """A port that a part needs is taken. Raised before anything is started."""


class PartFailed(LocalError):
    """A process ended, or was not ready by its deadline."""


class CommandFailed(LocalError):
    """kubectl, or a call to the API server, was refused; the message is theirs."""


class ConfigUnusable(LocalError):
    """The configuration cannot be run locally; it may work in a cluster."""


class NotReady(LocalError):
    """A resource did not become ready in time; the message lists its conditions."""


class Interrupted(LocalError):
    """SIGINT or SIGTERM arrived; the owner of the processes stops them."""
