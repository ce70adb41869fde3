"""`audit` as a process: what it needs to start, what the others do not load, and what is packed and rendered of it."""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from audit.answers.pages import CONSOLE
from audit.storage.schema_upgrade import MIGRATIONS
from functions.function_catalogue import NAMES
from local.kubectl import Kubectl
from local.layout import ROOT
from local.stack import Stack
from tests.audit_delivery import AuditProcess, deliver
from tests.audit_sample import reports_of
from tests.postgres import Postgres
from tests.signing_key import key_server

MIB = 2**20


def ended(**settings: str) -> str:
    """What a process says that does not start; one line, no traceback."""
    own = {"FUNCTION": "audit", "ACCESS": "open", "LISTEN_ADDRESS": "127.0.0.1:0"}
    command = [sys.executable, "-m", "functions"]
    with tempfile.TemporaryDirectory() as folder, key_server(Path(folder)) as keys:
        given = {**os.environ, **own, "KUBECONFIG": str(keys.kubeconfig), **settings}
        done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"DATABASE": "mysql://a:topsecret@b/c"}, "`DATABASE` is for 'mysql', which is not known here"),
        ({"DATABASE": "topsecret"}, "`DATABASE` is not a URL: set it to one like 'sqlite:////var/lib/kepler-audit/"),
        ({"DATABASE": "postgresql://a:topsecret@h:port/c"}, "`DATABASE` is not a URL"),
        ({"DATABASE": "sqlite://"}, "`DATABASE` names no file"),
        ({"DATABASE": "sqlite:////nowhere/audit.db"}, "`DATABASE` is in '/nowhere', which is not a folder: create it"),
        ({"DATABASE": "sqlite:////proc/audit.db"}, "`DATABASE`"),
        ({"DATABASE": "postgresql://a:topsecret@127.0.0.1:1/c"}, ": set `DATABASE` to one that can be reached"),
        ({"ACCESS": "all"}, "`ACCESS` is 'all': Input should be 'token' or 'open'"),
        ({"KEEP_DAYS": "0"}, "`KEEP_DAYS` is '0': Input should be greater than 0"),
        ({"KEEP_MEGABYTES": "much"}, "`KEEP_MEGABYTES` is 'much': Input should be a valid integer"),
        ({"ACCESS": "token", "KUBECONFIG": "/nowhere"}, "set `KUBECONFIG` to a readable file"),
    ],
    ids=str,
)
def test_a_wrong_setting_ends_it_with_what_to_do(settings: dict[str, str], message: str) -> None:
    """In one line, which has no password in it."""
    output = ended(**settings)
    assert message in output
    assert "topsecret" not in output


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    """And left as it is."""
    (tmp_path / "audit.db").write_text("not a database" * 100)
    output = ended(DATABASE=f"sqlite:///{tmp_path}/audit.db")
    assert "(file is not a database): " in output
    assert "set `DATABASE` to another one" in output
    assert (tmp_path / "audit.db").read_text().startswith("not a database")


def test_a_database_that_does_not_let_it_in_is_told(postgres_server: Postgres) -> None:
    """A wrong password, and a database that is not there."""
    wrong = postgres_server.url("postgres").replace("p%40ss", "topsecret")
    output = ended(DATABASE=wrong)
    assert "password authentication failed" in output
    assert "topsecret" not in output
    assert 'database "none" does not exist' in ended(DATABASE=postgres_server.url("none"))


def test_a_database_that_goes_away_and_comes_back(postgres_server: Postgres, tmp_path: Path) -> None:
    """Events are answered 503 meanwhile, and taken again afterwards by the same process."""
    with AuditProcess(postgres_server.create("away"), tmp_path / "log") as process:
        first, second = reports_of(2)
        deliver([first], process.url)
        postgres_server.stop()
        try:
            state = urllib3.request("GET", f"{process.url}/api/v1/state", retries=False)
            assert state.status == 503
            assert json.loads(state.data)["detail"].endswith("; ask again in a moment")
        finally:
            postgres_server.start()
        deliver([second], process.url)
        state = urllib3.request("GET", f"{process.url}/api/v1/state")
        assert json.loads(state.data)["reports"] == 2
        assert "p@ss/word" not in process.log.read_text()


def test_without_a_database_it_keeps_for_as_long_as_it_lives(tmp_path: Path) -> None:
    """And says so."""
    with AuditProcess("", tmp_path / "log") as process:
        deliver(reports_of(3), process.url)
        state = urllib3.request("GET", f"{process.url}/api/v1/state")
        assert json.loads(state.data)["reports"] == 3
        assert "is deleted when this process ends" in process.log.read_text()


def test_beside_all_others_it_is_below_its_path(control_plane: Stack, tmp_path: Path) -> None:
    """In the process that serves every function."""
    settings = {"FUNCTION": "all", "KUBECONFIG": str(control_plane.admin), "K_SINK": "http://127.0.0.1:9"}
    with AuditProcess(f"sqlite:///{tmp_path}/audit.db", tmp_path / "log", settings) as process:
        assert b"<html" in urllib3.request("GET", f"{process.url}/audit").data
        assert urllib3.request("GET", f"{process.url}/audit/api/v1/resources").status == 200
        assert urllib3.request("GET", f"{process.url}/").status == 400


# Makes each function in turn in one process, and tells after each what is loaded: at most more than in one of its own.
EACH_IN_TURN = """
import json, os, sys
from functions.func import new
for name in sys.argv[1:]:
    os.environ["FUNCTION"] = name
    new()
    print(json.dumps([name, [module for module in ("sqlalchemy", "alembic", "psycopg") if module in sys.modules]]))
"""


def test_no_other_function_loads_what_a_database_needs(tmp_path: Path) -> None:
    """Neither its start nor its memory pays for that; `audit`, which comes last, does load it."""
    cluster = {"name": "a", "cluster": {"server": "http://127.0.0.1:9"}}
    user = {"name": "a", "user": {}}
    context = {"name": "a", "context": {"cluster": "a", "user": "a"}}
    config = {"clusters": [cluster], "users": [user], "contexts": [context], "current-context": "a"}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    given = {"KUBECONFIG": str(tmp_path / "kubeconfig"), "K_SINK": "http://127.0.0.1:9", "ACCESS": "open"}
    others = [name for name in NAMES if name != "audit"]
    command = [sys.executable, "-c", EACH_IN_TURN, *others, "audit"]
    environment = {**os.environ, **given, "DATABASE": f"sqlite:///{tmp_path}/audit.db"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    loaded: dict[str, list[str]] = dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))
    assert loaded.pop("audit") == ["sqlalchemy", "alembic"]
    assert loaded == {name: [] for name in others}


def test_it_fits_into_its_pod(tmp_path: Path) -> None:
    """With tables made and reports taken, it holds less than half of what it may."""
    with AuditProcess(f"sqlite:///{tmp_path}/audit.db", tmp_path / "log") as process:
        deliver(reports_of(500), process.url)
        urllib3.request("GET", f"{process.url}/api/v1/reports?limit=1000")
        assert process.rss < 140


def test_pages_and_migrations_are_packed(tmp_path: Path) -> None:
    """Into the wheel that `func` installs."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, cwd=tmp_path)
    names = set(zipfile.ZipFile(next(tmp_path.glob("function-*.whl"))).namelist())
    wanted = [*CONSOLE.rglob("*.*"), *MIGRATIONS.rglob("*.py")]
    assert {str(path.relative_to(ROOT)) for path in wanted} <= names


def rendered(kubectl: Kubectl, folder: str) -> dict[str, Any]:
    """The pod of `audit`, and how many there may be."""
    manifests = kubectl.render(ROOT / folder)
    serving = [
        manifest
        for manifest in manifests
        if manifest["apiVersion"].startswith("serving") and manifest["kind"] == "Service"
    ]
    (service,) = [manifest for manifest in serving if manifest["metadata"]["name"] == "kepler-audit"]
    assert len(serving) == len(NAMES)
    return dict(service["spec"]["template"])


def test_one_pod_keeps_files_of_its_own(control_plane: Stack) -> None:
    """With SQLite there is one of it, always, and nothing else in it may be written."""
    template = rendered(control_plane.kubectl, "config/base")
    (container,) = template["spec"]["containers"]
    assert set(template["metadata"]["annotations"].values()) == {"1"}
    assert template["spec"]["volumes"] == [{"name": "kept", "emptyDir": {"sizeLimit": "1Gi"}}]
    environment = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert environment["DATABASE"] == f"sqlite:///{container['volumeMounts'][0]['mountPath']}/audit.db"
    assert environment["ACCESS"] == "token"
    assert container["securityContext"]["readOnlyRootFilesystem"]


def test_with_postgresql_pods_keep_nothing(control_plane: Stack) -> None:
    """Several of them, by a URL that a Secret holds; all else is as in the base."""
    template = rendered(control_plane.kubectl, "config/overlays/postgres")
    (container,) = template["spec"]["containers"]
    assert template["metadata"]["annotations"]["autoscaling.knative.dev/max-scale"] == "3"
    assert not template["spec"]["volumes"]
    assert not container["volumeMounts"]
    (database,) = [entry for entry in container["env"] if entry["name"] == "DATABASE"]
    assert database == {"name": "DATABASE", "valueFrom": {"secretKeyRef": {"name": "kepler-audit", "key": "DATABASE"}}}
    base = rendered(control_plane.kubectl, "config/base")["spec"]["containers"][0]
    assert [variable["name"] for variable in container["env"]] == [variable["name"] for variable in base["env"]]
