"""From zero: a Kepler applied, and applied again, with Kepler's own exporter on a real node."""

import re

import pytest

from tests.node import measured
from tests.node.on_node import OnNode
from tests.workbench import kepler

PORT = 9103
# A container's energy, with the pod that Kepler found by asking the API server.
ENERGY = re.compile(r'^kepler_container_joules_total\{.*container_namespace="([^"]+)".*\} ([0-9.e+]+)$', re.MULTILINE)


@pytest.mark.usefixtures("usage_of")
def test_a_kepler_from_zero(at_zero: OnNode) -> None:
    """A DaemonSet, then `Ready` by the exporter's own probes; the exporter tells the energy of pods on its port."""
    user = at_zero
    written = user.seconds(
        lambda: user.apply(kepler(collector={"port": PORT})), lambda: user.get("daemonset/kepler-exporter")
    )
    ready = user.seconds(lambda: None, user.is_ready)
    measured.seconds("cold: apply -> DaemonSet", written)
    measured.seconds("cold: apply -> Ready", written + ready)

    assert user.get("keplers/kepler")["status"]["nodes"] == {"desired": 1, "updated": 1, "available": 1}
    user.eventually(lambda: "knative-eventing" in dict(ENERGY.findall(user.scrape(PORT))), lambda: user.scrape(PORT))
    user.eventually(lambda: "kepler_node_platform_joules_total" in user.scrape(PORT), lambda: user.scrape(PORT))


def test_the_same_apply_again_changes_nothing(user: OnNode) -> None:
    """No rollout of what is as it should be."""
    before = user.generation()

    assert "unchanged" in user.apply(kepler(collector={"port": PORT}))

    assert user.generation() == before
