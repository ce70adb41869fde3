"""The pinned programs, built once from Go modules into `.local/bin`, and the YAML that the modules contain.

A stamp file for each program holds a digest of its sources. If all stamps match, nothing is run, not even Go. A program
is linked under a temporary name and renamed when complete, so the next build continues an interrupted one.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from local import toolchain, vendor
from local.layout import DEFAULT
from local.local_errors import BuildError

PROGRAMS = Path(__file__).resolve().parent / "programs"
KUBERNETES = "k8s.io/kubernetes"
VERSION_PACKAGE = "k8s.io/component-base/version"

Say = Callable[[str], None]


@dataclass(frozen=True)
class GoProgram:
    """A program by the name that we give it; `module` is the folder of the go.mod that pins it.

    A program that needs `cgo` is linked statically with libc, so that it runs in an image of its own.
    """

    name: str
    package: str
    module: str = "knative"
    cgo: bool = False


ALL = (
    GoProgram("kube-apiserver", f"{KUBERNETES}/cmd/kube-apiserver"),
    GoProgram("etcd", "go.etcd.io/etcd/server/v3"),
    GoProgram("kube-controller-manager", f"{KUBERNETES}/cmd/kube-controller-manager"),
    GoProgram("kube-scheduler", f"{KUBERNETES}/cmd/kube-scheduler"),
    GoProgram("kubectl", f"{KUBERNETES}/cmd/kubectl"),
    GoProgram("adapter", "knative.dev/eventing/cmd/apiserver_receive_adapter"),
    GoProgram("ingress", "knative.dev/eventing/cmd/broker/ingress"),
    GoProgram("filter", "knative.dev/eventing/cmd/broker/filter"),
    GoProgram("dispatcher", "knative.dev/eventing/cmd/in_memory/channel_dispatcher"),
    GoProgram("mtping", "knative.dev/eventing/cmd/mtping"),
    # kwok does not compile with Kubernetes' own cri-client, hence a module of its own.
    GoProgram("kwok", "sigs.k8s.io/kwok/cmd/kwok", module="kwok"),
    # C is what its reader of the eBPF tables is written in, whoever fills them.
    GoProgram("kepler", ".", module="kepler", cgo=True),
)


@dataclass(frozen=True)
class Bundle:
    """Programs that are built together, with go.mod files in `folder`, and the YAML of their modules.

    `copy` replaces a folder of YAML, given Go and `folder`. `stamp_digest` is a digest of everything that decides what
    it copies.
    """

    folder: Path
    programs: tuple[GoProgram, ...]
    yaml: str
    stamp_digest: Callable[[Path], str]
    copy: Callable[[str, Path, Path], None]


LOCAL = Bundle(PROGRAMS, ALL, vendor.STAMP, vendor.vendored_digest, vendor.copy)


def build(target: Path = DEFAULT, say: Say = print, bundle: Bundle = LOCAL) -> None:
    """Bring `target/bin` and the bundle's YAML in `target` up to date. Raises BuildError if that fails."""
    if not _stale(bundle, target):
        return
    with _alone(target, say):
        stale = _stale(bundle, target)
        if not stale:
            return
        go = toolchain.find(bundle.folder)
        for program in (program for program in bundle.programs if program.name in stale):
            _build(bundle, program, go, target, say)
        if bundle.yaml in stale:
            bundle.copy(go, bundle.folder, target / bundle.yaml)
            _stamp(target, bundle.yaml).write_text(bundle.stamp_digest(bundle.folder))


def version(programs: Path = PROGRAMS) -> str:
    """Return Kubernetes' version as go.mod pins it, such as `v1.35.4`."""
    text = (programs / "knative" / "go.mod").read_text()
    match = re.search(rf"^\s*{re.escape(KUBERNETES)} (v\S+)", text, re.MULTILINE)
    if not match:
        raise BuildError(f"{programs / 'knative' / 'go.mod'} does not require {KUBERNETES}")
    return match[1]


def flags(programs: Path = PROGRAMS) -> tuple[str, ...]:
    """Return Go's flags. They set Kubernetes' version, which is v0.0.0 otherwise, and which Knative refuses."""
    pinned = version(programs)
    major, minor, _ = pinned.removeprefix("v").split(".", 2)
    stamps = {"gitVersion": pinned, "gitMajor": major, "gitMinor": minor}
    link = " ".join(f"-X {VERSION_PACKAGE}.{key}={value}" for key, value in stamps.items())
    return ("-mod=readonly", "-trimpath", "-ldflags", f"-s -w {link}")


def program_digest(program: GoProgram, programs: Path = PROGRAMS) -> str:
    """Return a digest of what decides how a program is built: go.mod and go.sum of its module, and the flags."""
    module = programs / program.module
    files = [module / "go.mod", module / "go.sum", *sorted(module.glob("*.go"))]
    content = b"\0".join(file.read_bytes() for file in files)
    return hashlib.sha256(content + "\0".join((program.package, *_flags(program))).encode()).hexdigest()


def _digests(bundle: Bundle) -> dict[str, str]:
    of_programs = {program.name: program_digest(program, bundle.folder) for program in bundle.programs}
    return of_programs | {bundle.yaml: bundle.stamp_digest(bundle.folder)}


def _stale(bundle: Bundle, target: Path) -> set[str]:
    def current(name: str, wanted: str) -> bool:
        made = target / name if name == bundle.yaml else target / "bin" / name
        stamp = _stamp(target, name)
        return made.exists() and stamp.exists() and stamp.read_text() == wanted

    return {name for name, wanted in _digests(bundle).items() if not current(name, wanted)}


def _flags(program: GoProgram) -> tuple[str, ...]:
    """Return a program's flags.

    Kubernetes' version is that of the local stack's go.mod, also for a node, which has the same control plane.
    """
    if not program.cgo:
        return flags()
    *others, link = flags()
    return (*others, f"{link} -linkmode external -extldflags -static", "-tags", "netgo,osusergo")


def _stamp(target: Path, name: str) -> Path:
    return target / "bin" / f".{name}.stamp"


def _build(bundle: Bundle, program: GoProgram, go: str, target: Path, say: Say) -> None:
    began = time.monotonic()
    number = f"[{bundle.programs.index(program) + 1}/{len(bundle.programs)}]"
    say(f"{number} building {program.name}")
    # The pid is in the name, since Go continues for a while if only this process is killed.
    names = (program.name, f".{program.name}.{os.getpid()}.tmp", "build.log")
    made, draft, log = (target / "bin" / name for name in names)
    _stamp(target, program.name).unlink(missing_ok=True)
    command = [go, "build", *_flags(program), "-o", str(draft), program.package]
    try:
        with log.open("w") as out:
            environment = os.environ | {"CGO_ENABLED": str(int(program.cgo))}
            where = bundle.folder / program.module
            subprocess.run(command, cwd=where, env=environment, stdout=out, stderr=subprocess.STDOUT, check=True)
        draft.replace(made)
    except subprocess.CalledProcessError as error:
        _check_compiler(program)
        last = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
        raise BuildError(f"building {program.name} failed; Go's words are in {log} and end:\n{last}") from error
    finally:
        draft.unlink(missing_ok=True)
    _stamp(target, program.name).write_text(program_digest(program, bundle.folder))
    say(f"{number} {program.name} took {time.monotonic() - began:.0f} s")


def _check_compiler(program: GoProgram) -> None:
    """Raise BuildError if the program could not be built for want of a C compiler."""
    if program.cgo and not any(shutil.which(name) for name in ("gcc", "cc", os.environ.get("CC", "gcc"))):
        raise BuildError(f"{program.name} needs a C compiler: install gcc and the C library's headers (libc6-dev)")


@contextlib.contextmanager
def _alone(target: Path, say: Say) -> Iterator[None]:
    (target / "bin").mkdir(parents=True, exist_ok=True)
    with (target / "bin" / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is running: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
