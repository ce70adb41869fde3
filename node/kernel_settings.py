"""Kernel settings of the whole machine that a kubelet changes: saved before, and restored after."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

SYS = Path("/proc/sys")

# kubelet: pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables.
CHANGED = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)


def read() -> dict[str, str]:
    """Return the settings as they are now: name below /proc/sys -> value."""
    return {name: (SYS / name).read_text().strip() for name in CHANGED if (SYS / name).exists()}


def restore(settings: Mapping[str, str]) -> None:
    """Write back those settings that differ."""
    for name, value in settings.items():
        with contextlib.suppress(OSError):
            if (SYS / name).read_text().strip() != value:
                (SYS / name).write_text(value)
