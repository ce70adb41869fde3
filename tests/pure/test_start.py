"""What a function's process loads at its start, which is part of a user's wait whenever it starts from zero."""

import json
import os
import subprocess
import sys
from pathlib import Path

from local.layout import ROOT
from tests.started import KUBECONFIG, settings

LOADED = "import json, sys\nfrom function import new\nnew()\nprint(json.dumps(sorted(sys.modules)))"
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
)


def test_a_reconciler_loads_nothing_that_only_others_need(tmp_path: Path) -> None:
    """Neither a database's packages nor the sweep: each would be paid for at every start from zero."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        env={**os.environ, **settings("collector", "127.0.0.1:0", str(kubeconfig))},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = json.loads(done.stdout)
    assert [module for module in loaded if module.startswith(ELSEWHERE)] == []
