"""A Kepler edited: while all functions are at zero, and while they are awake."""

import pytest

from tests.node import measured
from tests.node.on_node import OnNode

PORT = 9104


def rolled_out(user: OnNode, port: int) -> bool:
    """Whether the DaemonSet has exporters on that port, whether they run or not."""
    manifest = user.get("daemonset/kepler-exporter")
    return bool(manifest) and f"-address=:{port}" in str(manifest["spec"]["template"]["spec"]["containers"])


def test_an_edit_of_the_port_from_zero(at_zero: OnNode) -> None:
    """One rollout; Service and configuration follow, and the exporter answers there."""
    user = at_zero
    before = user.generation()
    edited = user.seconds(
        lambda: user.patch("keplers/kepler", {"spec": {"collector": {"port": PORT}}}),
        lambda: rolled_out(user, PORT),
    )
    ready = user.seconds(lambda: None, user.is_ready)
    measured.seconds("cold: edit of the port -> DaemonSet", edited)
    measured.seconds("cold: edit of the port -> Ready", edited + ready)

    assert user.generation() == before + 1
    assert user.get("service/kepler-exporter")["spec"]["ports"][0]["port"] == PORT
    assert "kepler_" in user.scrape(PORT)


@pytest.mark.parametrize("port", [9105, 9106, 9107])
def test_an_edit_while_functions_are_awake(user: OnNode, port: int) -> None:
    """The same without a cold start."""
    edited = user.seconds(
        lambda: user.patch("keplers/kepler", {"spec": {"collector": {"port": port}}}), lambda: rolled_out(user, port)
    )
    ready = user.seconds(lambda: None, user.is_ready)
    measured.seconds("warm: edit of the port -> DaemonSet", edited)
    measured.seconds("warm: edit of the port -> Ready", edited + ready)
