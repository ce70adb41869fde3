"""Coming from kepler-operator and going back, as docs/install.md says: both in one cluster, each with its own objects.

Upstream's operator does not run here: its definitions are there, and its exporter is a DaemonSet with the names it has.
"""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from crds.crd_files import RESOURCES, definition
from functions.collector import FUNCTION as COLLECTOR
from local.kubectl import Kubectl
from local.layout import ROOT
from local.local_errors import CommandFailed
from local.stack import Stack
from tests.protocol import kepler_operator
from tests.protocol.kepler_operator import DEFINITIONS, GROUP
from tests.workbench import Workbench, create_namespace, kepler

PAGE = (ROOT / "docs/install.md").read_text()
CODE = re.compile(r"`([^`]+)`")
# How upstream's first releases wrote them.
FIRST_RELEASES = {"spec.exporter.port", "spec.exporter.nodeSelector", "spec.exporter.tolerations"}
OURS = "keplers.sustainable-computing.io"
THEIRS = f"keplers.{GROUP}"


@pytest.fixture
def upstream(control_plane: Stack, tmp_path: Path) -> Iterator[Kubectl]:
    """kubectl in a cluster that has kepler-operator's definitions; what it discovers is kept for this test alone."""
    for crd in DEFINITIONS:
        control_plane.api.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
    kubectl = dataclasses.replace(control_plane.kubectl, cache=tmp_path)
    definitions = [f"crd/{crd['metadata']['name']}" for crd in DEFINITIONS]
    kubectl("wait", "--for=condition=Established", "--timeout=30s", *definitions)
    yield kubectl
    kubectl("delete", *definitions)


def rows() -> Iterator[tuple[list[str], list[str]]]:
    """Yield the field paths that each row of the page's table names, there and here."""
    table = PAGE[PAGE.index("| there | here |\n") : PAGE.index("`PowerMonitor` (")]
    for line in table.splitlines()[2:]:
        if line.startswith("|"):
            there, here = line.strip("|").split(" | ")
            yield paths(there), paths(here)


def paths(cell: str) -> list[str]:
    """Return the fields that a cell names; one that begins with '.' is beside the one before."""
    fields: list[str] = []
    for code in CODE.findall(cell):
        path = code.partition(":")[0]
        if path.startswith("spec."):
            fields.append(path)
        elif path.startswith("."):
            fields.append(fields[-1].rpartition(".")[0] + path)
    return fields


def fields(schema: Mapping[str, Any], path: str = "spec") -> Iterator[tuple[str, bool]]:
    """Yield the path of each field of a schema, and whether there is none below it."""
    below = schema.get("properties", {})
    yield path, not below
    for name, value in below.items():
        yield from fields(value, f"{path}.{name}")


def spec(crd: Mapping[str, Any]) -> Any:
    """The schema of a definition's `spec`."""
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def test_the_table_has_every_field_there_and_only_fields_that_are_here() -> None:
    """No field of upstream's is forgotten, and none is misspelt."""
    upstreams = dict(field for crd in DEFINITIONS for field in fields(spec(crd)))
    ours = dict(fields(spec(definition(RESOURCES["kepler.yaml"]))))
    named = {path for there, _ in rows() for path in there}
    assert {path for _, here in rows() for path in here} - ours.keys() == set()
    assert named - upstreams.keys() == FIRST_RELEASES
    leaves = {path for path, leaf in upstreams.items() if leaf}
    assert [path for path in sorted(leaves) if not any(f"{path}.".startswith(f"{name}.") for name in named)] == []


def test_with_its_group_each_kepler_is_found(upstream: Kubectl, workbench: Workbench) -> None:
    """Both have the plural `keplers`."""
    upstream("apply", "-f", "-", stdin=kepler_operator.resource())
    workbench.apply(kepler("ours"))
    assert upstream("get", THEIRS, "-o", "name").split() == [f"kepler.{GROUP}/kepler"]
    ours = upstream("-n", workbench.namespace, "get", OURS, "-o", "name")
    assert ours.split() == ["kepler.sustainable-computing.io/ours"]


def test_moving_there_and_back(upstream: Kubectl, workbench: Workbench) -> None:
    """Fields as the table says, with the defaults that upstream's API server wrote; nothing of the other is touched."""

    def version() -> str:
        return upstream("-n", theirs, "get", "daemonset/kepler", "-o", "jsonpath={.metadata.resourceVersion}")

    theirs = f"{workbench.namespace}-theirs"
    create_namespace(workbench.stack, theirs)
    upstream("apply", "-f", "-", stdin=kepler_operator.resource())
    upstream("-n", theirs, "apply", "-f", "-", stdin=json.dumps(kepler_operator.exporter()))
    before = version()
    old = json.loads(upstream("get", THEIRS, "kepler", "-o", "json"))["spec"]["exporter"]["deployment"]
    collector = {"port": old["port"], "node-selector": old["nodeSelector"], "tolerations": old["tolerations"]}
    workbench.apply(kepler(collector=collector))
    workbench.settle()
    pod = workbench.get("daemonsets/kepler-exporter")["spec"]["template"]["spec"]
    assert pod["containers"][0]["ports"][0]["containerPort"] == 9103
    assert pod["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert pod["tolerations"] == [{"operator": "Exists"}]
    upstream("delete", THEIRS, "kepler")
    assert workbench.settle() == 0
    upstream("apply", "-f", "-", stdin=kepler_operator.resource())
    upstream("-n", workbench.namespace, "delete", OURS, "--all")
    workbench.settle()
    assert upstream("get", THEIRS, "-o", "name").split() == [f"kepler.{GROUP}/kepler"]
    assert version() == before


def test_in_upstreams_namespace_a_kepler_is_refused(upstream: Kubectl, workbench: Workbench) -> None:
    """Its ServiceAccount has the name of ours, and belongs to upstream's resource."""
    deployment = {"image": "kepler", "namespace": workbench.namespace}
    internal = {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "KeplerInternal",
        "metadata": {"name": "kepler"},
        "spec": {"exporter": {"deployment": deployment}},
    }
    upstream("apply", "-f", "-", stdin=json.dumps(internal))
    made = json.loads(upstream("get", f"keplerinternals.{GROUP}", "kepler", "-o", "json"))
    workbench.apply(kepler_operator.account(made), kepler())
    workbench.settle()
    reasons = {condition["reason"]: condition["message"] for condition in workbench.conditions().values()}
    assert "KeplerInternal 'kepler'" in reasons["OwnedByAnother"]
    assert workbench.get("daemonsets/kepler-exporter") is None


def test_the_operators_namespace_keeps_upstreams_exporters_out(control_plane: Stack) -> None:
    """Its label refuses their pods; so the page says to install this operator elsewhere, or later."""
    template = kepler_operator.exporter()["spec"]["template"]["spec"] | {"serviceAccountName": COLLECTOR.manager}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "exporter"}, "spec": template}
    with pytest.raises(CommandFailed, match='violates PodSecurity "restricted'):
        control_plane.kubectl("-n", "kepler-operator", "apply", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))
