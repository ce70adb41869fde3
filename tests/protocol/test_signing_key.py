"""The signing key on a real API server, replaced while functions run: no process has to start again."""

import json
import time

import pytest
from cloudevents.core.v1.event import CloudEvent

from audit.storage import signing
from local.stack import Stack
from runtime import signature
from runtime.settings import NAMESPACE
from runtime.signature import SECRET_NAME, Keyring
from tests.workbench import received, transport


class Rested(Exception):
    """Enough rounds."""


@pytest.fixture
def audit(control_plane: Stack, monkeypatch: pytest.MonkeyPatch) -> Keyring:
    """The keyring of `audit`, which has made the key; keys are read again after tenths of seconds."""
    monkeypatch.setattr(signature, "AGAIN", 0.1)
    monkeypatch.setattr(signature, "FRESH", 0.3)
    keyring = Keyring(transport(control_plane, "kepler-audit"), NAMESPACE)
    keyring.make()
    return keyring


def forget(stack: Stack) -> None:
    """Delete the Secret, as somebody does who wants another key."""
    stack.kubectl("-n", NAMESPACE, "delete", "secret", SECRET_NAME)


def kept(stack: Stack) -> str:
    """The key in the Secret; empty where there is none."""
    output = stack.kubectl("-n", NAMESPACE, "get", "secret", SECRET_NAME, "-o", "json", "--ignore-not-found")
    return str(json.loads(output)["data"]["key"]) if output else ""


def accepted(function: Keyring, audit: Keyring) -> bool:
    """Whether `audit` takes what a function signs now."""
    return audit.verify(received(function.sign(CloudEvent({"id": "1", "type": "t", "source": "/s"}, {"a": 1}))))


def test_what_is_signed_with_a_new_key_is_accepted_within_seconds(control_plane: Stack, audit: Keyring) -> None:
    """Measured before: a function signed with the old key until it started again, and none of its reports was kept."""
    function = Keyring(transport(control_plane, "kepler-collector"), NAMESPACE)
    assert accepted(function, audit)
    before = kept(control_plane)
    forget(control_plane)
    assert accepted(function, audit)
    audit.make()
    assert kept(control_plane) != before
    time.sleep(0.4)
    assert accepted(Keyring(transport(control_plane, "kepler-status"), NAMESPACE), audit)
    assert accepted(function, audit)


def test_a_key_that_is_deleted_is_made_again(control_plane: Stack, audit: Keyring) -> None:
    """By `audit` as it runs: functions that start without a key could sign nothing."""
    rounds = iter((forget, forget))

    def rest(_seconds: float) -> None:
        assert kept(control_plane)
        if (away := next(rounds, None)) is None:
            raise Rested
        away(control_plane)

    with pytest.raises(Rested):
        signing.keep(audit, rest)


@pytest.mark.usefixtures("audit")
def test_a_key_that_cannot_be_read_again_is_kept(control_plane: Stack) -> None:
    """The last one counts until another one is read."""
    function = Keyring(transport(control_plane, "kepler-collector"), NAMESPACE)
    key = function()
    function.transport = transport(control_plane, "kepler-dead-letter")
    function.namespace = "no-such-namespace"
    time.sleep(0.4)
    assert function() == key is not None
