"""The parts of the official Kubernetes client that a function uses, without the rest of that package.

`import kubernetes` loads requests, oauthlib, websocket and four more of its own packages: a third of a function's start
(docs/benchmarks.md). So the packages on the way to each part are registered without running their `__init__`, and
removed again: later imports of them, as by the CLI or by a kubeconfig, find everything as usual.
"""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_PACKAGES = ("kubernetes", "kubernetes.config", "kubernetes.utils")


@contextmanager
def _packages_not_run() -> Iterator[None]:
    """Let submodules of these packages be imported without running a package that is not loaded yet."""
    registered = [name for name in _PACKAGES if name not in sys.modules]
    for name in registered:
        spec = importlib.util.find_spec(name)
        assert spec is not None  # noqa: S101 (a locked dependency)
        sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        yield
    finally:
        for name in registered:
            del sys.modules[name]


with _packages_not_run():
    from kubernetes.client.api_client import ApiClient
    from kubernetes.client.configuration import Configuration
    from kubernetes.client.exceptions import ApiException
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.incluster_config import load_incluster_config
    from kubernetes.utils.quantity import parse_quantity

__all__ = ["ApiClient", "ApiException", "ConfigException", "Configuration", "load_incluster_config", "parse_quantity"]
