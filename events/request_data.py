"""Data of users' requests, sent by the console or by `kubectl kepler`."""

from events.report import EventPart


class Replay(EventPart):
    """A dead letter, by its name, is to be sent again as it was."""

    letter: str


class Discard(EventPart):
    """A dead letter, by its name, is to be deleted without being sent again."""

    letter: str
