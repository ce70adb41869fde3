"""What can go wrong here, each with one sentence that says what to do.

LocalError               the command line prints the message and ends with 1
├── BuildError           a program could not be built: the message names Go's log, or how to get Go
├── AlreadyRunning       another run owns this state folder: stop that one first
├── PortBusy             some other program listens where a part must
├── PartFailed           a process ended or did not become ready: the message names its log
├── CommandFailed        kubectl or the API server refused
├── ConfigUnusable       `config/` asks for something the local stack cannot do
├── NotReady             everything runs, but the resources did not become ready in time
└── Interrupted          somebody asked us to stop while we were waiting
"""


class LocalError(Exception):
    """The root: a message made for the person at the terminal."""


class BuildError(LocalError):
    """A program could not be built. Nothing half-made is left behind; calling again continues."""


class AlreadyRunning(LocalError):
    """The state folder is owned by a live run."""


class PortBusy(LocalError):
    """A port that a part needs is taken. Raised before anything is started."""


class PartFailed(LocalError):
    """A process ended, or was not ready by its deadline."""


class CommandFailed(LocalError):
    """kubectl, or a call to the API server, was refused; the message is theirs."""


class ConfigUnusable(LocalError):
    """The configuration is fine for a cluster, perhaps, but not here."""


class NotReady(LocalError):
    """A resource did not become ready in time; the message lists its conditions."""


class Interrupted(LocalError):
    """SIGINT or SIGTERM arrived; whoever holds processes stops them."""
