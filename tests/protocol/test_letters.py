"""Dead letters on a real API server, with their function's own ServiceAccount: kept, shown, sent again, forgotten."""

import base64
import json
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_structured_event
from cloudevents.core.v1.event import CloudEvent

from events.types import REPLAY_REQUESTED, RESOURCE_UPDATE, RESYNC_REQUESTED
from local.stack import Stack
from runtime import letters
from runtime.errors import NotAnEvent
from runtime.event import Event, decode
from runtime.letters import Letter, Letters
from runtime.settings import NAMESPACE
from runtime.transport import connect
from tests.workbench import Workbench, kepler

REFUSED = "not an event: `name` is missing"


class Desk:
    """The function at work, and what it has sent."""

    def __init__(self, stack: Stack) -> None:
        kubeconfig = stack.kubeconfig_for(NAMESPACE, "kepler-dead-letter")
        self.stack = stack
        self.sent: list[CloudEvent] = []
        self.letters = Letters(connect({"KUBECONFIG": str(kubeconfig)}, user_agent="test"), self.sent.append, NAMESPACE)

    def kept(self, event: Event) -> Any:
        """The letter of this event as it is kept, or None."""
        name = letter(event)
        found = self.stack.kubectl("-n", NAMESPACE, "get", "configmap", name, "-o", "json", "--ignore-not-found")
        return json.loads(found)["data"] if found else None

    def replay(self, name: str) -> None:
        """Asks for a letter to be sent again."""
        self.letters(given_up(REPLAY_REQUESTED, name=name, code=""))


@pytest.fixture
def desk(control_plane: Stack) -> Desk:
    """A function with nothing sent yet."""
    return Desk(control_plane)


def given_up(event_type: str = RESYNC_REQUESTED, *, code: str = "400", data: Any = None, **attributes: str) -> Event:
    """An event as Knative's dispatcher sends it to a dead-letter sink, decoded as the edge does."""
    wrong = {
        "knativeerrordest": "http://kepler-collector.kepler-operator.svc",
        "knativeerrorcode": code,
        "knativeerrordata": base64.b64encode(REFUSED.encode()).decode(),
    }
    event = CloudEvent(
        {
            "id": "1",
            "type": event_type,
            "source": "/tests",
            "datacontenttype": "application/json",
            "apiversion": "sustainable-computing.io/v1alpha1",
            "kind": "Kepler",
            "name": "kepler",
            **(wrong if code else {}),
            **attributes,
        },
        data or {},
    )
    message = to_structured_event(event)
    return decode(dict(message.headers), message.body)


def letter(event: Event) -> str:
    """The name it is kept under."""
    return letters.letter(event).name


def test_a_letter_is_kept_with_its_error(desk: Desk, namespace: str) -> None:
    """The event, to whom it was to go, and with which answer it was given up."""
    event = given_up(namespace=namespace, data={"hint": 1})
    desk.letters(event)
    kept = desk.kept(event)
    assert (kept["code"], kept["answer"]) == ("400", REFUSED)
    assert kept["destination"] == "http://kepler-collector.kepler-operator.svc"
    assert json.loads(kept["data"]) == {"hint": 1}
    assert json.loads(kept["attributes"])["id"] == "1"


def test_a_letter_is_shown_on_its_object(desk: Desk, workbench: Workbench) -> None:
    """`kubectl describe` of the Kepler tells of it."""
    workbench.apply(kepler())
    desk.letters(given_up(namespace=workbench.namespace))
    described = workbench.stack.kubectl("-n", workbench.namespace, "describe", "keplers/kepler")
    assert "NotDelivered" in described
    assert f"event '1' of type '{RESYNC_REQUESTED}' was not delivered to http://kepler-collector" in described


def test_the_same_letter_again_is_one(desk: Desk, namespace: str) -> None:
    """A sink gets events more than once, too."""
    event = given_up(namespace=namespace)
    desk.letters(event)
    first = desk.kept(event)
    desk.letters(event)
    assert desk.kept(event) | {"at": ""} == first | {"at": ""}


def test_a_letter_is_sent_again_as_it_was(desk: Desk, namespace: str) -> None:
    """With its id, its time and its data, without what the dispatcher added; then it is forgotten."""
    event = given_up(RESOURCE_UPDATE, namespace=namespace, data={"spec": {"port": 1}}, id=namespace)
    desk.letters(event)
    desk.replay(letter(event))
    (sent,) = desk.sent
    attributes = sent.get_attributes()
    assert (sent.get_id(), sent.get_type(), sent.get_data()) == (namespace, RESOURCE_UPDATE, {"spec": {"port": 1}})
    assert not any(key.startswith("knative") for key in attributes)
    assert attributes["namespace"] == namespace
    assert desk.kept(event) is None
    desk.replay(letter(event))
    assert len(desk.sent) == 1


def test_a_letter_that_is_given_up_again_stays(desk: Desk, namespace: str) -> None:
    """Also where that happens before it is forgotten."""
    event = given_up(namespace=namespace)
    desk.letters(event)

    def again(_: CloudEvent) -> None:
        desk.letters(event)

    Letters(desk.letters.transport, again, NAMESPACE)(given_up(REPLAY_REQUESTED, name=letter(event), code=""))
    assert desk.kept(event)


def test_only_letters_are_sent_again(desk: Desk, control_plane: Stack) -> None:
    """Not any ConfigMap that somebody names, and no name that is none."""
    control_plane.kubectl("-n", NAMESPACE, "create", "configmap", "mine", "--from-literal=attributes={}")
    desk.replay("mine")
    assert not desk.sent
    with pytest.raises(NotAnEvent):
        desk.replay("../../secrets")


@pytest.mark.parametrize("changed", ["[]", "{}", "x", '{"id": "1", "type": "", "source": "a"}'])
def test_a_letter_that_somebody_has_changed_says_so(desk: Desk, namespace: str, changed: str) -> None:
    """It is refused, not tried for ever, and stays."""
    event = given_up(namespace=namespace)
    desk.letters(event)
    patch = json.dumps({"data": {"attributes": changed}})
    desk.stack.kubectl("-n", NAMESPACE, "patch", "configmap", letter(event), "--type=merge", f"--patch={patch}")
    with pytest.raises(NotAnEvent, match="has been changed and is no dead letter: delete it"):
        desk.replay(letter(event))
    assert not desk.sent
    assert desk.kept(event)


@pytest.mark.parametrize(
    "attributes",
    [
        {"namespace": "no-such-namespace"},
        {"namespace": "", "kind": "KeplerMachineConfig"},
        {"namespace": "../x", "name": "../../secrets"},
        {"kind": "", "name": "", "apiversion": ""},
    ],
    ids=["a namespace that is gone", "in no namespace", "names that cannot be", "about nothing"],
)
def test_a_letter_about_anything_is_kept(desk: Desk, attributes: dict[str, str]) -> None:
    """Where there is no object to show it on, it is kept all the same."""
    event = given_up(id=str(attributes), **{key: value for key, value in attributes.items() if value})
    desk.letters(event)
    assert desk.kept(event)["code"] == "400"


def test_data_that_no_config_map_takes_is_left_out(desk: Desk, namespace: str) -> None:
    """Its attributes say what to look at."""
    event = given_up(namespace=namespace, data={"x": "y" * letters.LARGEST})
    desk.letters(event)
    assert json.loads(desk.kept(event)["data"]) == {}


def test_the_oldest_are_forgotten(desk: Desk, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They do not fill the cluster."""
    monkeypatch.setattr(letters, "KEPT", 3)
    events = [given_up(id=f"{namespace}-{number}") for number in range(5)]
    for event in events:
        desk.letters(event)
    found = desk.stack.kubectl("-n", NAMESPACE, "get", "configmaps", "-l", letters.LABEL, "-o", "name").split()
    assert len(found) == 3


def test_what_happened_is_one_sentence() -> None:
    """With an answer, and without any."""
    event = given_up(id="7")
    answered = Letter(event, "http://x", "503", "away").told
    assert answered == f"event '7' of type '{RESYNC_REQUESTED}' was not delivered to http://x, it answered 503: away"
    assert Letter(event, "http://x", "-1", "").told.endswith("was not delivered to http://x, it did not answer")
