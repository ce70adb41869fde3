"""The plugin as a user runs it, against the tests' control plane."""

from collections.abc import Callable

import pytest

from local.stack import Stack
from tests.cli.terminal import Terminal


@pytest.fixture
def terminal(control_plane: Stack, namespace: str, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal of the administrator's, in the test's namespace."""
    return Terminal(capsys, ("--kubeconfig", str(control_plane.admin), "--namespace", namespace))


@pytest.fixture
def alone(capsys: pytest.CaptureFixture[str]) -> Callable[..., object]:
    """A terminal without a cluster."""
    return Terminal(capsys, ())
