"""Builds a kustomization as `kubectl apply -k` does, by `kubectl kustomize`, which is part of every kubectl."""

import shutil
import subprocess

from cli.command_errors import Missing, RequestRefused

BUILD_TIMEOUT = 60.0


def built(folder: str) -> str:
    """Return the YAML of a kustomization. Raises Missing without kubectl, RequestRefused with kustomize's message."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise Missing("kubectl is not on your PATH, and --kustomize needs `kubectl kustomize`: install it")
    try:
        done = subprocess.run(
            [kubectl, "kustomize", "--", folder], capture_output=True, text=True, check=False, timeout=BUILD_TIMEOUT
        )
    except subprocess.TimeoutExpired as late:
        raise RequestRefused(f"`kubectl kustomize {folder}` took longer than {BUILD_TIMEOUT:.0f} s") from late
    if done.returncode:
        sentence = " ".join(done.stderr.split()).removeprefix("error: ") or f"it ended with {done.returncode}"
        raise RequestRefused(f"`kubectl kustomize {folder}`: {sentence}")
    return done.stdout
