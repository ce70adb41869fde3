"""What a function's process loads at its start, which is part of a user's wait whenever it starts from zero."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local.layout import ROOT
from tests.started import KUBECONFIG, settings

IMPORTED = "import json, sys\nfrom function import new\nprint(json.dumps(sorted(sys.modules)))"
STARTED = IMPORTED.replace("import new\n", "import new\nnew()\n")
# Of the store of reports, the sweep, the store of dead letters, and the export of spans.
ELSEWHERE = (
    "alembic",
    "audit.composition",
    "audit.audit_settings",
    "opentelemetry.exporter",
    "opentelemetry.sdk",
    "psycopg",
    "dead_letters.dead_letter_store",
    "sweeper.divergence",
    "sweeper.sweep_run",
    "sqlalchemy",
    "cli.",
)
# Of the Kubernetes client, for what no function does: other ways to log in, streams, watches. A kubeconfig needs some.
OUTSIDE_CLUSTER = ("requests", "oauthlib", "websocket", "charset_normalizer", "kubernetes.config.kube_config")


def loaded(program: str, environment: Mapping[str, str]) -> list[str]:
    """The modules that a process has loaded by the end of a program."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    modules: list[str] = json.loads(done.stdout)
    return modules


def test_a_reconciler_loads_nothing_that_only_others_need(tmp_path: Path) -> None:
    """Neither a database's packages nor the sweep: each would be paid for at every start from zero."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    modules = loaded(STARTED, settings("collector", "127.0.0.1:0", str(kubeconfig)))
    assert [module for module in modules if module.startswith(ELSEWHERE)] == []


def test_a_function_in_a_cluster_loads_only_the_parts_of_the_kubernetes_client_that_it_uses() -> None:
    """Not what logs in by other ways than a token; whoever imports the whole client after that gets it."""
    modules = loaded(IMPORTED, {})
    assert [module for module in modules if module.startswith(OUTSIDE_CLUSTER)] == []
    assert "kubernetes" not in modules

    whole = IMPORTED.replace("print", "from kubernetes import client, config, watch\nconfig.load_kube_config\nprint")
    assert "kubernetes.config.kube_config" in loaded(whole, {})
