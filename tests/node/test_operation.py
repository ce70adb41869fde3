"""What an administrator does with an operator that is in use: apply it again, and move it to another release."""

import pytest

from local.api import Object
from node import user_install
from node.machine import Node
from tests.node import measured
from tests.node.on_node import OPERATOR, OnNode


@pytest.fixture(autouse=True)
def ready(user: OnNode) -> None:
    """There is a Kepler, whose exporter must not notice."""
    user.await_ready()


def services(node: Node) -> dict[str, Object]:
    """The operator's Knative Services by name."""
    return {service["metadata"]["name"]: service for service in node.api.items(user_install.SERVICES)}


def revisions(node: Node) -> dict[str, str]:
    """The newest revision of each Service."""
    return {name: service["status"]["latestReadyRevisionName"] for name, service in services(node).items()}


def test_the_same_configuration_again_conflicts_with_nobody(node: Node, version: str) -> None:
    """`kubectl apply --server-side -k`, without force; no Service gets another revision."""
    before = revisions(node)

    node.apply(version)

    assert revisions(node) == before


def test_an_upgrade_moves_every_function_and_no_exporter(node: Node, user: OnNode, version: str) -> None:
    """An image of another tag, applied the same way: new revisions alone take events, and Keplers stay Ready."""
    exporter, generation = user.exporter()["metadata"]["uid"], user.generation()
    before = revisions(node)
    newer = f"{version}-next"
    user_install.tag_again(node.sandbox, version, newer)

    took = user.seconds(lambda: node.apply(newer), lambda: not set(revisions(node).values()) & set(before.values()))
    measured.seconds("upgrade: apply -> every Service on its new revision", took)

    images = {
        container["image"]
        for service in services(node).values()
        for container in service["spec"]["template"]["spec"]["containers"]
    }
    assert images == {f"{user_install.REPOSITORY}:{newer}"}
    user.await_ready()
    user.patch("keplers/kepler", {"spec": {"collector": {"port": 9108}}})
    user.eventually(lambda: user.generation() == generation + 1, user.trouble)
    user.await_ready()
    assert user.exporter()["metadata"]["uid"] != exporter, "the edit, and nothing before it, rolls exporters out"


def test_the_way_back_is_the_same_apply_with_the_old_image(node: Node, user: OnNode, version: str) -> None:
    """Nothing conflicts, and no exporter is rolled out."""
    generation = user.generation()

    node.apply(version)

    user.await_ready()
    assert user.generation() == generation
    pods = node.api.items(f"/api/v1/namespaces/{OPERATOR}/pods")
    assert pods
