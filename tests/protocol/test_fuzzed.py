"""Whatever is sent: never an answer of 5xx, never a traceback, and nothing changes that the API server does not say."""

import copy
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.types import PREFIX, RECONCILE_REQUESTS, RESOURCE_ADD, RESOURCE_DELETE, RESOURCE_UPDATE
from functions.function_catalogue import NAMES
from local.stack import Stack
from runtime.edge import application
from runtime.receive import Reconciler
from tests.protocol.test_process import running
from tests.workbench import ALL, BY_NAME, Workbench, create_namespace, kepler

QUICK = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CHILDREN = ("configmap/kepler-cfm", "service/kepler-exporter", "serviceaccount/kepler", "daemonset/kepler-exporter")

text = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=300)
names = st.sampled_from(["kepler", "", "..", "a/b", "x" * 300, "%2e%2e", "kepler\t", "ü"]) | text
types = (
    st.sampled_from([*RECONCILE_REQUESTS, f"{PREFIX}replay.requested.v1", "dev.knative.sources.ping.not", ""]) | text
)
bodies = (
    st.binary(max_size=2000)
    | st.sampled_from([b"{" * 20_000, b"[" * 100_000, b'"' + b"a" * 5_000_000 + b'"', b"\xff\xfe{\x00}\x00", b"null"])
    | st.recursive(
        st.none() | st.booleans() | st.floats() | text, lambda of: st.lists(of) | st.dictionaries(text, of)
    ).map(lambda tree: json.dumps(tree).encode())
)
attributes = st.fixed_dictionaries(
    {},
    optional={
        "specversion": st.sampled_from(["1.0", "0.3", "2", ""]),
        "id": text,
        "type": types,
        "source": text,
        "apiversion": st.sampled_from(["sustainable-computing.io/v1alpha1", "v1", "apps/v1"]) | text,
        "kind": st.sampled_from(["Kepler", "ConfigMap", "DaemonSet", "KeplerMachineConfig"]) | text,
        "namespace": names,
        "name": names,
        "time": text,
        "traceparent": text,
        "datacontenttype": text,
    },
)
kinds = st.sampled_from(
    [
        "application/json",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/json; charset=utf-16",
        "text/plain; charset=nonsense",
        "multipart/form-data",
        "",
    ]
)
encodings = st.sampled_from(["", "gzip", "br", "identity"])


@pytest.fixture(scope="module")
def served(control_plane: Stack) -> Iterator[str]:
    """Every function in one process, which must not have told of a defect when it ends."""
    with running(control_plane, FUNCTION="all", K_SINK="http://127.0.0.1:9") as (process, url):
        yield url
        process.terminate()
        output, _ = process.communicate(timeout=60)
    assert "Traceback" not in output, output[-3000:]


@dataclass(frozen=True)
class FuzzedRequest:
    """A request to one function."""

    function: str
    attributes: dict[str, str]
    body: bytes
    kind: str
    encoding: str

    @property
    def headers(self) -> dict[str, bytes]:
        """As they go over the wire."""
        headers = {f"ce-{name}": value.encode("latin-1", "ignore") for name, value in self.attributes.items()}
        return headers | {"content-type": self.kind.encode(), "content-encoding": self.encoding.encode()}


served_names = st.sampled_from([name for name in NAMES if name != "sweep"])


@QUICK
@given(sent=st.builds(FuzzedRequest, served_names, attributes, bodies, kinds, encodings))
def test_no_request_is_a_defect(served: str, sent: FuzzedRequest) -> None:
    """Headers, bodies, sizes and encodings at random, to the real process, by HTTP."""
    connection = http.client.HTTPConnection(urlsplit(served).netloc, timeout=30)
    try:
        connection.request("POST", f"/{sent.function}", sent.body, sent.headers)
        status = connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):
        status = 413  # refused while it was still being sent
    finally:
        connection.close()
    assert status in (200, 204, 400, 413), status


RAW = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nshort",
    b"POST /collector HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"\x16\x03\x01 not http at all",
    b"POST /collector HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /collector HTTP/1.1\r\nHost: x\r\nce-id: " + b"a" * 100_000 + b"\r\n\r\n",
]


@pytest.mark.parametrize("raw", RAW, ids=range(len(RAW)))
def test_what_is_not_even_http_ends_that_connection_only(served: str, raw: bytes) -> None:
    """It is refused, if it is answered at all, and the next request is served."""
    where = urlsplit(served)
    with socket.create_connection((str(where.hostname), where.port or 80), timeout=30) as to:
        to.sendall(raw)
        to.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            assert b" 5" not in to.recv(65536)[:14]
    connection = http.client.HTTPConnection(where.netloc, timeout=30)
    connection.request("GET", "/health/readiness")
    assert connection.getresponse().status == 200


steps = st.lists(
    st.sampled_from(["metadata", "spec", "status", "labels", "ownerReferences", "conditions", "uid", "generation"]),
    max_size=4,
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(max_size=12), of, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def at_rest(control_plane: Stack) -> Workbench:
    """A Kepler at which nothing is to be done."""
    create_namespace(control_plane, "forged")
    workbench = Workbench(control_plane, "forged")
    workbench.apply(kepler(estimator_sidecar={"enabled": True}))
    workbench.settle()
    return workbench


@pytest.fixture(scope="module")
def doors(at_rest: Workbench) -> dict[str, FlaskClient]:
    """The edge of each function, with its own ServiceAccount behind it."""
    receivers = {name: Reconciler(ALL[name], at_rest.recorders[name]) for name in BY_NAME}
    return {name: application({name: receiver}).test_client() for name, receiver in receivers.items()}


@dataclass(frozen=True)
class Forged:
    """An event to one function about a real object, which has a value at a path where it has another."""

    function: str
    what: str
    kind: str
    path: list[str]
    value: Any


objects = st.sampled_from(["kepler/kepler", *CHILDREN])
events = st.sampled_from([RESOURCE_ADD, RESOURCE_UPDATE, RESOURCE_DELETE])


@QUICK
@given(lie=st.builds(Forged, st.sampled_from(sorted(BY_NAME)), objects, events, steps, values))
def test_a_forged_object_changes_nothing(at_rest: Workbench, doors: dict[str, FlaskClient], lie: Forged) -> None:
    """A real object, with anything anywhere in it: what the API server has counts, and there all is as it should be."""
    there = at_rest.get(lie.what)
    forged = copy.deepcopy(there)
    _put(forged, lie.path, lie.value)
    sent = {
        "specversion": "1.0",
        "id": "1",
        "type": lie.kind,
        "source": "/forger",
        "apiversion": there["apiVersion"],
        "kind": there["kind"],
        "namespace": at_rest.namespace,
        "name": there["metadata"]["name"],
    }
    at_rest.asked(lie.function)
    answer = doors[lie.function].post("/", headers={f"ce-{name}": entry for name, entry in sent.items()}, json=forged)
    assert answer.status_code == 204, answer.text
    assert {request.method for request in at_rest.asked(lie.function)} <= {"GET"}
    assert at_rest.get(lie.what)["metadata"]["resourceVersion"] == there["metadata"]["resourceVersion"]


def _put(tree: Any, path: list[str], value: Any) -> None:
    """Puts a value into a tree, as deep as the path leads; at the end of it, or where nothing can be put deeper."""
    *way, last = path or ["spec"]
    for step in way:
        deeper = tree.get(step)
        if not isinstance(deeper, dict):
            last = step
            break
        tree = deeper
    tree[last] = value
