"""Each function's Role against what it does in all chains, under its own ServiceAccount: nothing lacking, nothing idle.

What is lacking the API server refuses, in any test; what is idle is looked for here.
"""

import json
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask, request

from audit.access.token_access import ACCESS_REVIEWS, TOKEN_REVIEWS, TokenAuthenticator
from audit.answers.interference import ChildReader
from audit.answers.live import Live
from dead_letters.dead_letter_store import DeadLetterStore
from events.types import RESOURCE_UPDATE
from functions.function_catalogue import FUNCTIONS, LISTENERS
from installation import wiring
from installation.permissions import overlay_roles, policy_rule
from local.stack import Stack
from operands.openshift import OVERLAY
from runtime.client import ApiResponse, Client, Request, Transport
from runtime.declaration import writers
from runtime.objects import CLUSTER_ROLE_BINDING, KEPLER, OURS, Ref
from runtime.settings import NAMESPACE as OPERATOR
from runtime.signature import SECRET_NAME, Keyring
from tests.dead_letter_samples import given_up, store
from tests.faults.fault_world import FaultWorld
from tests.faults.plane import INSTALLED, NAMESPACE
from tests.faults.steps import CHAINS, NAME, Chain, ChainStep, apply, delete
from tests.faults.traffic import addressed
from tests.workbench import transport

# All chains are walked before the first of these tests.
pytestmark = pytest.mark.timeout(600)

# One permission: API group, resource, verb, and name, which is empty for all names.
Permission = tuple[str, str, str, str]
ALONE = Chain("alone", (), (ChainStep("create", apply({})), ChainStep("delete", delete(KEPLER, NAME))))
VERBS = {"PATCH": "patch", "DELETE": "delete"}
# Questions, of which the API server keeps nothing.
REVIEWS = {
    TOKEN_REVIEWS: ("authentication.k8s.io", "tokenreviews"),
    ACCESS_REVIEWS: ("authorization.k8s.io", "subjectaccessreviews"),
}


def granted(objects: Iterable[dict[str, Any]]) -> set[Permission]:
    """Every permission that Roles and ClusterRoles grant, one by one."""
    return {
        (group, resource, verb, name)
        for entry in objects
        if entry["kind"] in ("Role", "ClusterRole")
        for rule in entry["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames") or [""]
    }


def used(request: Request, *, created: bool) -> Iterator[Permission]:
    """The permissions that a request needs, each for its name and for any name."""
    if request.path in REVIEWS:
        yield (*REVIEWS[request.path], "create", "")
        return
    ref = addressed(request)
    status = "/status" if request.path.endswith("/status") else ""
    name = ref.name or request.query.get("fieldSelector", "").removeprefix("metadata.name=")
    reading = "get" if ref.name else "list"
    verbs = [VERBS.get(request.method, reading), *(["create"] if created else [])]
    yield from ((ref.kind.group, f"{ref.kind.plural}{status}", verb, text) for verb in verbs for text in ("", name))
    if ref.kind is CLUSTER_ROLE_BINDING and request.method == "PATCH":
        yield (ref.kind.group, "clusterroles", "bind", ref.name)


class Noting:
    """A transport that notes what was needed for what went through it."""

    def __init__(self, send: Transport) -> None:
        self.send = send
        self.noted: set[Permission] = set()

    def __call__(self, request: Request) -> ApiResponse:
        answer = self.send(request)
        assert answer.status != 403, answer.body
        self.noted |= {*used(request, created=answer.status == 201)}
        return answer


@pytest.fixture(scope="module")
def noted(faulty_plane: Stack) -> dict[str, set[Permission]]:
    """What each function needed on its way through every chain, by the name of its ServiceAccount."""
    desk = Noting(transport(faulty_plane, "kepler-dead-letter"))
    counter = Noting(transport(faulty_plane, "kepler-audit"))
    counters = {"kepler-dead-letter": desk.noted, "kepler-audit": counter.noted}
    _read_resources(counter)
    _look(counter, faulty_plane.kubectl("-n", OPERATOR, "create", "token", "kepler-sweep").strip())
    _make_and_read_key(faulty_plane, counter, counters)
    _correspond(faulty_plane, store(faulty_plane, send=desk))
    for first in range(len(FUNCTIONS)):
        # Whoever is first makes what several share.
        world = FaultWorld(faulty_plane, NAMESPACE, INSTALLED, (*FUNCTIONS[first:], *FUNCTIONS[:first]))
        senders = world.tap(Noting)
        for chain in (*CHAINS, ALONE) if first == 0 else (ALONE,):
            _walk(world, chain)
        for name, sender in senders.items():
            counters.setdefault(name, set()).update(sender.noted)
    return counters


def _make_and_read_key(plane: Stack, maker: Noting, permissions: dict[str, set[Permission]]) -> None:
    """`audit` makes the key that events are signed with, and each function reads it."""
    plane.kubectl("-n", OPERATOR, "delete", "secret", SECRET_NAME, "--ignore-not-found")
    Keyring(maker, OPERATOR).make()
    for account in (*(function.manager for function in FUNCTIONS), *(listener.manager for listener in LISTENERS)):
        reader = Noting(transport(plane, account))
        assert Keyring(reader, OPERATOR)() is not None
        permissions.setdefault(account, set()).update(reader.noted)


def _read_resources(send: Transport) -> None:
    """One resource of each kind, as `audit` does when an event tells of it."""
    client = Client(send, manager="kepler-audit")
    for kind in OURS:
        assert client.get(Ref(kind, NAMESPACE if kind.namespaced else "", "none")) is None


def _walk(world: FaultWorld, chain: Chain) -> None:
    """A chain from its beginning to its end, with a sweep after each step, and one before its pods are there."""
    for step in (*chain.setup, *chain.loop):
        step.act(world)
        world.meanwhile()
        world.sweep()
        world.drain()
        world.sweep()
        world.drain()
    world.clear()


def _correspond(plane: Stack, letters: DeadLetterStore) -> None:
    """One letter about an object of each kind, kept, and shown on the resources of ours."""
    for kind in OURS:
        made = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": "kepler"}}
        plane.kubectl("create", "-n", "default", "-f", "-", stdin=json.dumps(made))
    for kind in {function.parent for function in FUNCTIONS} | {
        wake.kind for function in FUNCTIONS for wake in function.wakes
    }:
        about = {"apiversion": kind.api_version, "kind": kind.name, "id": kind.name}
        about |= {"name": "kepler", **({"namespace": "default"} if kind.namespaced else {})}
        letters(given_up(RESOURCE_UPDATE, **about))
    for kind in OURS:
        plane.kubectl("delete", "-n", "default", f"{kind.plural}.{kind.group}", "kepler")


def _look(send: Transport, token: str) -> None:
    """At everything that the console shows of the cluster, as somebody whom the API server knows."""
    live = Live(lambda: send, OPERATOR)
    assert live.resources().items == ()
    assert live.letters().items == ()
    children = ChildReader(lambda: Client(send, manager="kepler-audit"), partial(writers, FUNCTIONS))
    assert not children.foreign(Ref(KEPLER, NAMESPACE, "none")).unread
    with Flask("looking").test_request_context(headers={"Authorization": f"Bearer {token}"}):
        assert not TokenAuthenticator(send)(request).may_see("default")


@pytest.mark.parametrize("one", FUNCTIONS, ids=lambda one: one.name)
def test_a_functions_role_has_nothing_that_it_does_not_use(noted: dict[str, set[Permission]], one: Any) -> None:
    """Every verb on every name is needed somewhere in the chains."""
    on_openshift = [role for role in overlay_roles(OVERLAY) if role["metadata"]["name"].startswith(one.manager)]
    assert granted([*wiring.function(one), *on_openshift]) - noted[one.manager] == set()


@pytest.mark.parametrize("one", [listener for listener in LISTENERS if listener.rules], ids=lambda one: one.name)
def test_a_listeners_role_has_nothing_that_it_does_not_use(noted: dict[str, set[Permission]], one: Any) -> None:
    """The same of the sweep, of `audit`, and of the dead letters, whose oldest go only when there are hundreds."""
    idle = granted(wiring.listener(one)) - noted[one.manager]
    assert idle - {("", "configmaps", "delete", "")} == set()


def test_an_idle_permission_is_found() -> None:
    """The comparison tells names and verbs apart."""
    rules = [{"kind": "Role", "rules": [policy_rule("", ["configmaps"], ["get", "patch"], ["a", "b"])]}]
    request = Request("GET", "/api/v1/namespaces/x/configmaps/a")
    assert granted(rules) - {*used(request, created=False)} == {
        ("", "configmaps", "get", "b"),
        ("", "configmaps", "patch", "a"),
        ("", "configmaps", "patch", "b"),
    }
