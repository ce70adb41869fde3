"""The model of the API server against a real one: the same requests, by chance, get the same answers.

What is explored in `tests/model` holds of Kubernetes as far as this does.
"""

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.stack import Stack
from runtime.client import DRY_RUN, NEVER, Request, Transport, path
from runtime.objects import CONFIG_MAP, KEPLER, Manifest, Ref, metadata, resource_version, uid
from runtime.transport import connect
from tests.model.scenario import deletion, put
from tests.model.server import ModelApiServer

STEPS = 300
# What is asked of which object; what stands twice is asked more often.
VERBS = (
    ("child", "apply"),
    ("child", "apply"),
    ("child", "delete"),
    ("parent", "apply"),
    ("parent", "apply"),
    ("parent", "status"),
    ("parent", "status"),
    ("parent", "delete"),
)
# Each condition has one manager, as with the functions.
CONDITIONS = {"ours": ("A", "B"), "theirs": ("C", "D")}
UNLIKE = frozenset({"uid", "resourceVersion", "creationTimestamp"})
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "00000000-0000-4000-8000-000000000000"}


@dataclass(frozen=True)
class RequestShape:
    """A request by what it is about: whose lock, and what of the object as it is or was."""

    verb: str
    about: str
    manager: str
    body: Manifest
    version: str
    identity: str
    dry: bool


@dataclass(frozen=True)
class ModelAnswer:
    """What came of a request: the status, the object then, whether its version moved and whether it is another one."""

    status: int
    object: Manifest | None
    moved: bool
    another: bool


@dataclass
class Side:
    """One of the two servers, and the objects as it showed them: `present`, and before their last change `former`."""

    send: Transport
    refs: Mapping[str, Ref]
    present: dict[str, Manifest] = field(default_factory=dict)
    former: dict[str, Manifest] = field(default_factory=dict)

    def answer(self, asked: RequestShape) -> ModelAnswer:
        """Asks, and looks at the object."""
        ref = self.refs[asked.about]
        status = self.send(self._request(asked, ref)).status
        api_response = self.send(Request("GET", path(ref.kind, ref.namespace, ref.name)))
        before, now = self.present.pop(asked.about, {}), api_response.body if api_response.status == 200 else {}
        moved = resource_version(before) != resource_version(now)
        if before and moved:
            self.former[asked.about] = before
        if now:
            self.present[asked.about] = now
        return ModelAnswer(status, masked(now) if now else None, moved, uid(before) != uid(now))

    def _request(self, asked: RequestShape, ref: Ref) -> Request:
        versions = {"none": "", "zero": "0", "never": NEVER, **self._known(asked, "resourceVersion")}
        identities = {"none": "", **self._known(asked, "uid")}
        wanted = {"resourceVersion": versions[asked.version], "uid": identities[asked.identity]}
        lock = {name: value for name, value in wanted.items() if value}
        if asked.verb == "delete":
            request = deletion(ref)
            tried = {"dryRun": ["All"]} if asked.dry else {}
            return Request(request.method, request.path, body={**(request.body or {}), "preconditions": lock, **tried})
        body = {**asked.body, "metadata": {**(asked.body.get("metadata") or {}), **lock}}
        request = put(ref, body, by=asked.manager)
        subresource = "status" if asked.verb == "status" else ""
        where = path(ref.kind, ref.namespace, ref.name, subresource)
        query = {**request.query, **(DRY_RUN if asked.dry else {})}
        return Request(request.method, where, query, request.body, request.content_type)

    def _known(self, asked: RequestShape, name: str) -> dict[str, str]:
        return {
            age: str(metadata(objects.get(asked.about, {})).get(name, ""))
            for age, objects in (("present", self.present), ("former", self.former))
        }


def chosen(choose: random.Random, present: Mapping[str, Manifest]) -> RequestShape:
    """Some request; most of them may be taken, and every lock appears.

    None leaves an object that nobody manages: the next to apply would find its content under `before-first-apply`.
    """
    about, verb = choose.choice(VERBS)
    versions = ("none", "present", "present", "former", *(() if verb == "delete" else ("zero", "never")))
    manager = choose.choice(tuple(CONDITIONS))
    return RequestShape(
        verb=verb,
        about=about,
        manager=manager,
        body=body(choose, about, verb, manager, alone=owners(present.get(about, {})) <= {manager}),
        version=choose.choice(versions),
        identity=choose.choice(("none", "none", "present", "former")),
        dry=choose.random() < 0.2,
    )


def owners(manifest: Manifest) -> set[str]:
    """Who applied something of the object itself."""
    return {
        managed_field["manager"]
        for managed_field in metadata(manifest).get("managedFields", ())
        if "subresource" not in managed_field
    }


def body(choose: random.Random, about: str, verb: str, manager: str, *, alone: bool) -> Manifest:
    """Some of what there is to say of it."""

    def some(values: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in values.items() if choose.random() < 0.5}

    if verb == "status":
        conditions = [
            condition(name, choose.choice(("True", "False"))) for name in some(dict.fromkeys(CONDITIONS[manager]))
        ]
        return {"status": {"conditions": conditions}} if conditions else {}
    labels = {"labels": {"l": choose.choice("xy")}}
    described = {**some({**labels, "ownerReferences": [OWNER]}), **(labels if alone else {})}
    data = {"a": "1", "b": "2", "c": choose.choice("12")}
    spec = {"scrape-interval": choose.choice(("10s", "20s"))}
    body = {"metadata": described, **({"spec": some(spec)} if about == "parent" else {"data": some(data)})}
    return {name: below for name, below in body.items() if below}


def condition(name: str, status: str) -> Manifest:
    """A condition that the CRD's schema takes."""
    words = {"reason": "Chosen", "message": "by chance", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    return {"type": name, "status": status, **words}


def masked(manifest: Manifest) -> Manifest:
    """What the two must have in common: no times, no identities, no defaults of the CRD's."""
    described = {key: value for key, value in metadata(manifest).items() if key not in UNLIKE and value}
    written = [{key: value[key] for key in value if key != "time"} for value in described.pop("managedFields", [])]
    interval = (manifest.get("spec") or {}).get("scrape-interval")
    return {
        **described,
        "managedFields": by_text(written),
        "interval": interval,
        "data": manifest.get("data") or {},
        "conditions": by_text((manifest.get("status") or {}).get("conditions") or []),
    }


def by_text(items: Iterable[Manifest]) -> list[Manifest]:
    """In an order that follows from what they say."""
    return sorted(items, key=lambda one: json.dumps(one, sort_keys=True))


def sides(stack: Stack, namespace: str) -> Iterator[Side]:
    """The model, and the real one asked by an administrator."""
    refs = {"child": Ref(CONFIG_MAP, namespace, "child"), "parent": Ref(KEPLER, namespace, "parent")}
    for send in (ModelApiServer(), connect({"KUBECONFIG": str(stack.admin)}, user_agent="tests")):
        yield Side(send, refs)


@pytest.mark.parametrize("seed", range(4))
def test_the_model_answers_as_the_real_server_does(control_plane: Stack, namespace: str, seed: int) -> None:
    """Status, content, generation and field ownership; and whether the version moved, or it is another object."""
    choose = random.Random(seed)
    model, real = sides(control_plane, namespace)
    for number in range(STEPS):
        asked = chosen(choose, model.present)

        assert model.answer(asked) == real.answer(asked), f"step {number}: {asked}"
