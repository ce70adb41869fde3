"""The node itself, removed: this machine is as it was."""

import os
from pathlib import Path

import psutil
import pytest

from local.local_errors import AlreadyRunning
from node import cgroups, kernel_settings, sandbox
from node.machine import Node
from tests.node.conftest import KEEP


def test_another_checkout_leaves_the_node_alone(node: Node, tmp_path: Path) -> None:
    """There is one on a machine: whoever starts a second one is told so, and takes nothing down."""
    with pytest.raises(AlreadyRunning, match="another node is up"):
        sandbox.up(tmp_path, Path(node.layout.program("pause")))

    assert sandbox.recorded_sandbox(tmp_path) is None
    assert node.kubectl("get", "nodes", "-o", "name").strip()


@pytest.mark.skipif(bool(os.environ.get(KEEP)), reason=f"{KEEP} keeps the node")
def test_a_removed_node_leaves_nothing_on_this_machine(node: Node) -> None:
    """No process, mount, device, cgroup or folder of it; settings of the kernel are as before."""
    record = sandbox.recorded_sandbox(node.layout.state)
    assert record
    state = str(node.layout.state)

    assert node.down() == []

    own = {os.getpid()}
    running = [process for process in psutil.process_iter(["cmdline"]) if process.pid not in own]
    assert not [process for process in running if state in " ".join(process.info["cmdline"] or [])]
    assert state not in Path("/proc/self/mounts").read_text()
    assert not Path(f"/sys/class/net/{sandbox.MACHINE_DEVICE}").exists()
    assert not [root for root in cgroups.hierarchies() if (root / cgroups.NAME).exists()]
    assert not [folder for folder in record.folders if Path(folder).exists()]
    assert kernel_settings.read() == record.settings
    assert sandbox.recorded_sandbox(node.layout.state) is None
