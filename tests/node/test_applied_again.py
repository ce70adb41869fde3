"""What an administrator does with an operator that is in use: apply it again."""

from node.machine import Node
from tests.node.on_node import OnNode
from tests.node.revisions import revisions


def test_the_same_configuration_again_conflicts_with_nobody(node: Node, user: OnNode, version: str) -> None:
    """`kubectl apply --server-side -k`, without force; no Service gets another revision."""
    user.await_ready()
    before, generation = revisions(node), user.generation()

    node.apply(version)

    assert revisions(node) == before
    assert user.generation() == generation
