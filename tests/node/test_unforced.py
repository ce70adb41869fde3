"""After all that: how functions ended."""

import pytest

from tests.node.on_node import OPERATOR, OnNode


@pytest.mark.parametrize("kind", ["pods", "events"])
def test_functions_were_not_ended_by_force(user: OnNode, kind: str) -> None:
    """No function was killed for want of memory, or by a probe."""
    text = user.cluster_wide("-n", OPERATOR, "get", kind, "-o", "yaml")

    assert "OOMKilled" not in text
    assert "failed liveness probe" not in text
