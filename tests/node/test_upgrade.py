"""What an administrator does with an operator that is in use: move it to another release, and back."""

import pytest

from node import user_install
from node.machine import Node
from tests.node import measured
from tests.node.on_node import OPERATOR, OnNode
from tests.node.revisions import revisions, services


@pytest.fixture(autouse=True)
def ready(user: OnNode) -> None:
    """There is a Kepler, whose exporter must not notice."""
    user.await_ready()


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
