"""The function that keeps dead letters, at work in a test: what it has kept, and what it has sent."""

import json
from typing import Any

from cloudevents.core.v1.event import CloudEvent

from dead_letters.dead_letter import LetterRecord, letter_name, parse_record
from local.stack import Stack
from runtime.event import Event
from runtime.settings import NAMESPACE
from tests.dead_letter_samples import replay_request, store
from tests.workbench import Recorder, transport


class DeadLetterDesk:
    """The function at work, and what it has sent."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.sent: list[CloudEvent] = []
        self.asked = Recorder(transport(stack, "kepler-dead-letter"))
        self.store = store(stack, self.sent.append, self.asked)

    def kept(self, event: Event) -> Any:
        """The ConfigMap of this event's letter, or None."""
        name = letter_name(event)
        output = self.stack.kubectl("-n", NAMESPACE, "get", "configmap", name, "-o", "json", "--ignore-not-found")
        return json.loads(output) if output else None

    def record(self, event: Event) -> LetterRecord:
        """What lists show of it."""
        letter_record = parse_record(self.kept(event))
        assert letter_record is not None
        return letter_record

    def replay(self, name: str) -> None:
        """Asks for a letter to be sent again."""
        self.store(replay_request(self.stack, name))
