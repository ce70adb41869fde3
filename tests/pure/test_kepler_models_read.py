"""Whole configurations, read as the programs of the model server's image v0.7.12 read them, and as rclone does."""

from pathlib import Path

import pytest

from crds.kepler_collected_metric import Source
from effects.field_cases import EXTERNAL
from effects.rendered_cluster import KEY, RenderedCluster, run_functions, with_keys
from functions import estimator
from operands import children, kepler_v07, sidecar
from operands.cfm import Key
from runtime.objects import KEPLER
from tests.configurations import (
    CASES,
    ESTIMATED,
    MODEL,
    NFS,
    ConfigurationCase,
    beside,
    container,
    exporter,
    served,
    sources,
    written,
)
from tests.kepler_reads import ELSEWHERE, PIPELINES, ModelServerProgram, environment

ESTIMATING = [case for case in CASES if "estimator-sidecar" in case.cluster.specs[KEPLER.name]]


@pytest.mark.parametrize("case", ESTIMATING, ids=lambda case: case.says)
def test_the_estimator_asks_where_the_exporter_was_meant_to(case: ConfigurationCase, tmp_path: Path) -> None:
    """One address for both, used as it is, and the server's own routes; it writes where there is a volume."""
    cluster = run_functions(case.cluster)
    read, exporter_reads = beside(cluster, tmp_path / "estimator"), exporter(cluster, tmp_path / "exporter")
    assert read.asks_model_server() is exporter_reads.settings()["MODEL_SERVER_ENABLE"]
    address = str(exporter_reads.settings()["MODEL_SERVER_URL"])
    assert read.model_server() == (f"{address}/model", f"{address}/best-models")
    assert Path(read.downloads()).parent == Path(kepler_v07.MNT_PATH)
    assert kepler_v07.MNT_PATH in {
        volume_mount["mountPath"]
        for volume_mount in container(cluster, children.daemon_set(KEY), sidecar.NAME)["volumeMounts"]
    }


def test_the_estimator_fetches_a_model_of_the_nodes(tmp_path: Path) -> None:
    """From the URL in `MODEL_CONFIG`, and without one from Kepler's own; a file of the same name would win."""
    cluster = run_functions(
        written(estimator_sidecar={**ESTIMATED, "models": {"node-components": {"init-url": MODEL}}})
    )
    read = beside(cluster, tmp_path)
    assert (read.init_url("acpi"), read.init_url("rapl-sysfs")) == ("", MODEL)
    theirs = with_keys({"NODE_COMPONENTS_INIT_URL": "http://mine\n"})
    asked = RenderedCluster(written(estimator_sidecar=ESTIMATED).specs, there=theirs)
    assert beside(run_functions(asked), tmp_path / "file").init_url("rapl-sysfs") == "http://mine"


def test_beside_a_model_server_the_estimator_fetches_nothing_else(tmp_path: Path) -> None:
    """Without a URL it would fetch a public model while the server starts, and keep it, or end."""
    read = beside(run_functions(written(estimator_sidecar=ESTIMATED, model_server={"enabled": True})), tmp_path)
    assert (read.init_url("acpi"), read.init_url("rapl-sysfs")) == (kepler_v07.NO_MODEL_URL, kepler_v07.NO_MODEL_URL)


def test_the_server_ends_up_with_port_models_and_archives(tmp_path: Path) -> None:
    """Blank, the archives of Kepler's database; else those named, in their order; where models are is mounted."""
    pipelines = ["http://models/ec2-0.7.11.zip", "https://models/specpower-0.7.11.zip"]
    asked = {"enabled": True, "port": 9000, "pipelines": pipelines, "storage": {**NFS, "path": "a/b"}}
    cluster = run_functions(written(model_server=asked))
    read = served(cluster, tmp_path / "named").settings()
    assert read == {"port": 9000, "models": "/mnt/a/b", "pipelines": tuple(pipelines), "resources": "/data/resource"}
    mounts = {
        volume_mount["mountPath"]
        for volume_mount in container(cluster, children.deployment(KEY), "server-api")["volumeMounts"]
    }
    assert {read["models"], kepler_v07.DATA_PATH} <= mounts
    blank = served(run_functions(written(model_server={"enabled": True})), tmp_path / "blank").settings()
    assert (blank["port"], blank["models"], blank["pipelines"]) == (8100, "/mnt/models", PIPELINES)


def test_a_key_of_the_user_wins_in_the_models_configuration(tmp_path: Path) -> None:
    """To the programs of the model server the file wins over the environment: a key is where it belongs."""
    there = with_keys({"MNT_PATH": "/elsewhere\n", "ERROR_KEY": "mse\n"}, children.model_config(KEY))
    asked = written(model_server={"enabled": True})
    read = served(run_functions(RenderedCluster(asked.specs, there=there)), tmp_path)
    assert read.text("ERROR_KEY", "mae") == "mse"
    assert ModelServerProgram(read.files, {"ERROR_KEY": "mae"}).text("ERROR_KEY", "") == "mse"


def test_rclone_finds_the_store_and_its_models() -> None:
    """Everything in its environment but for bucket and prefix, which are in the path."""
    external = {**EXTERNAL, "region": "eu-1", "prefix": "models"}
    asked = {"enabled": True, "storage": {"type": "external", "external": external}}
    pull = container(run_functions(written(model_server=asked)), children.deployment(KEY), "pull")
    assert environment(pull) == {
        "RCLONE_S3_PROVIDER": "Other",
        "RCLONE_S3_ENDPOINT": "https://s3",
        "RCLONE_S3_REGION": "eu-1",
        "RCLONE_S3_NO_CHECK_BUCKET": "true",
        "RCLONE_S3_ACCESS_KEY_ID": ELSEWHERE,
        "RCLONE_S3_SECRET_ACCESS_KEY": ELSEWHERE,
    }
    assert pull["args"][:3] == ["copy", ":s3:kepler/models", "/mnt/models"]


def test_what_is_refused_is_never_half_written() -> None:
    """While a function refuses, `kepler-cfm` may lack its keys, and there is no exporter that could read the rest."""
    off = sources(Source.GPU)
    cluster = run_functions(written(off, estimator_sidecar=ESTIMATED))
    assert cluster.outcomes[estimator.NAME].reason == "SourceRequired"
    assert Key.MODEL_CONFIG not in cluster.data(children.CFM)
    assert children.daemon_set(KEY) not in cluster.objects
