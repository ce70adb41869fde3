"""Checks what a node needs of this machine and its distribution; one sentence for each missing thing."""

import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from local.layout import DEFAULT
from node import node_files

# A program -> the Debian package that has it.
PACKAGES = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "mmdebstrap": "mmdebstrap",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    # Kepler's exporter is linked with libc.
    "gcc": "gcc",
}
CNI_PACKAGE = "containernetworking-plugins"
LIBC_PACKAGE = "libc6-dev"
INSTALL = "apt-get install --no-install-recommends"
ARCHITECTURE = "x86_64"


@dataclass(frozen=True)
class Prerequisites:
    """What is missing: things that no package provides (`impossible`), and Debian packages."""

    impossible: tuple[str, ...]
    packages: tuple[str, ...]

    def sentences(self) -> list[str]:
        """Return what is missing and what to do, one sentence each; empty if a node can be started."""
        named = " ".join(self.packages)
        missing = [f"a node needs {named}: `make e2e-deps` installs them (`{INSTALL} {named}`)"] if named else []
        return [*self.impossible, *missing]


def examine() -> Prerequisites:
    """Check this machine. As root, this mounts an overlay in a temporary mount namespace."""
    impossible = tuple(sentence for sentence in (_linux(), _root(), _overlay()) if sentence)
    packages = {package for name, package in PACKAGES.items() if not shutil.which(name)}
    if not node_files.cni_folder():
        packages.add(CNI_PACKAGE)
    if "gcc" in packages:
        packages.add(LIBC_PACKAGE)
    return Prerequisites(impossible, tuple(sorted(packages)))


def _linux() -> str:
    if platform.system() == "Linux" and platform.machine() == ARCHITECTURE:
        return ""
    return f"a node needs Linux on {ARCHITECTURE}, and this is {platform.system()} on {platform.machine()}"


def _root() -> str:
    if os.geteuid() == 0:
        return ""
    return "a node needs root, for its namespaces and cgroups: run this as root or by sudo"


def _overlay() -> str:
    """Return why overlayfs cannot be mounted below the node's state; empty if it can, or if that cannot be checked.

    containerd stacks the layers of images there. Not every file system, and not every container, supports it.
    """
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return ""
    DEFAULT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DEFAULT) as folder:
        for name in ("lower", "upper", "work", "merged"):
            (Path(folder) / name).mkdir()
        options = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
        command = ["unshare", "--mount", "mount", "-t", "overlay", "overlay", "-o", options, f"{folder}/merged"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    if not done.returncode:
        return ""
    return f"a node needs namespaces and overlayfs, and this machine refuses them: {done.stderr.strip()[-200:]}"
