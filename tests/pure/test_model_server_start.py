"""The program that starts the model server, run by a real bash and Python on a package laid out as upstream's is.

The package imitates kepler-model-server v0.7.12:src/kepler_model/server/model_server.py: one archive after another is
fetched and unpacked, and every directory of the models that has a metadata file is loaded, in the order of
`os.listdir`.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from operands import model_server_start

SERVER = """
import json, logging, os, shutil

import requests

INITIAL_PIPELINE_URL = os.environ.get("INITIAL_PIPELINE_URL", "")
PUBLIC = ["https://db/ec2-0.7.11.zip", "https://db/specpower-0.7.11.zip"]
initial_pipeline_urls = INITIAL_PIPELINE_URL.split(",") if INITIAL_PIPELINE_URL else PUBLIC
model_toppath = os.environ["MODEL_PATH"]
pipelineName, nodeCollection = {}, {}


def getConfig(key, default):
    return os.environ.get(key, default)


def set_pipelines():
    for name in os.listdir(model_toppath):
        path = os.path.join(model_toppath, name)
        if not os.path.exists(os.path.join(path, "metadata.json")):
            continue
        with open(os.path.join(path, "metadata.json")) as file:
            json.load(file)
        nodeCollection[name] = sorted(os.listdir(path))
        for meter in ("rapl-sysfs", "acpi"):
            if os.path.exists(os.path.join(path, meter)):
                pipelineName[meter] = name


def load_init_pipeline():
    for url in initial_pipeline_urls:
        response = requests.get(url)
        if response.status_code != 200:
            return
        path = os.path.join(model_toppath, url.split("/")[-1].split(".zip")[0])
        if os.path.exists(path):
            shutil.rmtree(path)
        os.mkdir(path)
        for name in ("metadata.json", *response.content):
            with open(os.path.join(path, name), "w") as file:
                file.write("{}")
    set_pipelines()


def run():
    logging.basicConfig(level=logging.INFO)
    load_init_pipeline()
    print(json.dumps({"served": pipelineName, "loaded": sorted(nodeCollection), "timeouts": requests.timeouts}))
"""

REQUESTS = """
import json, os, types

ARCHIVES = json.loads(os.environ["ARCHIVES"])
timeouts = []


def get(url, timeout=None):
    timeouts.append(timeout)
    if url not in ARCHIVES:
        raise ConnectionError("no route to " + url)
    content = ARCHIVES[url]
    return types.SimpleNamespace(status_code=200 if content else 404, content=content)
"""

BOTH, RAPL, ACPI = ["rapl-sysfs", "acpi"], ["rapl-sysfs"], ["acpi"]
EC2, SPECPOWER = "https://db/ec2-0.7.11.zip", "https://db/specpower-0.7.11.zip"
MINE, OTHER = "http://m/mine.zip", "http://m/another.zip"
UPSTREAM = ["model-server"]


@dataclass(frozen=True)
class Started:
    """What a start fetches and finds, and then serves: directory by meter; `archives` without meters are a 404."""

    says: str
    archives: dict[str, list[str]]
    served: dict[str, str]
    pipelines: tuple[str, ...] = ()
    stored: dict[str, list[str]] = field(default_factory=dict)
    logged: str = ""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A directory with upstream's package, its script, and an empty directory for models."""
    package = tmp_path / "lib" / "kepler_model" / "server"
    package.mkdir(parents=True)
    for directory in (package, package.parent):
        (directory / "__init__.py").touch()
    (package / "model_server.py").write_text(SERVER)
    (tmp_path / "lib" / "requests.py").write_text(REQUESTS)
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "model-server"
    script.write_text(f"#!{sys.executable}\nfrom kepler_model.server.model_server import run\nrun()\n")
    script.chmod(0o755)
    (tmp_path / "models").mkdir()
    return tmp_path


def start(image: Path, case: Started, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """The image's entrypoint with these arguments."""
    for name, meters in case.stored.items():
        (image / "models" / name).mkdir()
        for file in ("metadata.json", *meters):
            (image / "models" / name / file).write_text("{}")
    environment = {
        "PATH": f"{image / 'bin'}:/usr/bin:/bin",
        "PYTHONPATH": str(image / "lib"),
        "MODEL_PATH": str(image / "models"),
        "INITIAL_PIPELINE_URL": ",".join(case.pipelines),
        "ARCHIVES": json.dumps(case.archives),
    }
    command = ["bash", "-c", *arguments]
    return subprocess.run(command, env=environment, text=True, capture_output=True, timeout=60, check=False)


CASES = (
    Started(
        "the public archives", {EC2: RAPL, SPECPOWER: ACPI}, {"rapl-sysfs": "ec2-0.7.11", "acpi": "specpower-0.7.11"}
    ),
    Started("no way to the internet", {}, {}, logged=f"cannot fetch {EC2}: no route to {EC2}"),
    Started("one of two archives is missing", {MINE: [], OTHER: BOTH}, dict.fromkeys(BOTH, "another"), (MINE, OTHER)),
    Started(
        "the host of one of two archives is down", {OTHER: RAPL}, {"rapl-sysfs": "another"}, (MINE, OTHER), logged=MINE
    ),
    Started(
        "the later archive wins", {MINE: BOTH, OTHER: RAPL}, {"rapl-sysfs": "another", "acpi": "mine"}, (MINE, OTHER)
    ),
    Started("in any order", {MINE: BOTH, OTHER: BOTH}, dict.fromkeys(BOTH, "mine"), (OTHER, MINE)),
    Started(
        "models in the storage win over public ones",
        {EC2: RAPL, SPECPOWER: ACPI},
        {"rapl-sysfs": "a", "acpi": "specpower-0.7.11"},
        stored={"a": RAPL},
    ),
    Started(
        "named archives win over the storage", {MINE: RAPL}, {"rapl-sysfs": "mine", "acpi": "z"}, (MINE,), {"z": BOTH}
    ),
    Started("the storage alone", {}, dict.fromkeys(BOTH, "z"), (MINE,), {"a": BOTH, "z": BOTH}),
    Started("what was fetched before is still there", {}, {"rapl-sysfs": "mine"}, (MINE,), {"mine": RAPL}),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_the_server_serves_what_it_has(image: Path, case: Started) -> None:
    """It always starts; what it could not fetch is in its log."""
    ended = start(image, case, model_server_start.arguments())
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["served"] == case.served
    assert case.logged in ended.stderr


def test_models_that_cannot_be_read_do_not_keep_the_others_out(image: Path) -> None:
    """A directory that is broken is named in the log."""
    (image / "models" / "broken").mkdir()
    (image / "models" / "broken" / "metadata.json").write_text("{")
    ended = start(image, Started("", {}, {}, (MINE,), {"a": RAPL, "z": ACPI}), model_server_start.arguments())
    assert json.loads(ended.stdout)["served"] == {"rapl-sysfs": "a", "acpi": "z"}
    assert "cannot load the models in broken" in ended.stderr


def test_a_host_that_does_not_answer_is_given_up(image: Path) -> None:
    """All archives together take less than the ten minutes of the startup probe."""
    output: Any = json.loads(start(image, Started("", {}, {}), model_server_start.arguments()).stdout)
    assert output["timeouts"] == [[model_server_start.CONNECT, model_server_start.READ]] * 2
    assert 32 * model_server_start.CONNECT < 600


def test_upstreams_own_start_does_not_tolerate_this(image: Path) -> None:
    """The package here behaves as upstream's: it ends without a host, and serves nothing if an archive is missing."""
    down, missing = Started("", {}, {}), Started("", {EC2: [], SPECPOWER: ACPI}, {}, stored={"z": BOTH})
    assert "no route to" in start(image, down, UPSTREAM).stderr
    assert json.loads(start(image, missing, UPSTREAM).stdout)["served"] == {}
