"""What users install: the functions, and `kubectl kepler`, each from its wheel and with its dependencies alone."""

import re
import signal
from pathlib import Path

import pytest

from local.layout import ROOT
from tests.installed_wheels import CLI, InstalledWheel, install
from tests.started import KUBECONFIG, free_port, ready, settings

# How func v0.49 starts a function that has an instance (its scaffolding `instanced-http`).
FUNC = "from func_python.http import serve\nfrom function import new\nserve(new)\n"
STARTS = {"python -m functions": ("-m", "functions"), "func's main.py": ("-c", FUNC)}


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> InstalledWheel:
    """The functions, installed from their wheel."""
    return install(ROOT, tmp_path_factory.mktemp("functions"))


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> InstalledWheel:
    """`kubectl kepler`, installed from its wheel."""
    return install(CLI, tmp_path_factory.mktemp("plugin"))


@pytest.mark.parametrize("start", STARTS)
def test_an_installed_function_serves_and_ends_at_sigterm(
    functions: InstalledWheel, tmp_path: Path, start: str
) -> None:
    """Both ways to start it answer readiness; SIGTERM ends the process with exit code 0."""
    port = free_port()
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    process = functions.start(*STARTS[start], environment=settings("collector", f"127.0.0.1:{port}", str(kubeconfig)))
    try:
        assert ready(process, port), process.communicate(timeout=5)[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize("start", STARTS)
def test_a_wrong_setting_is_one_line_on_standard_error(functions: InstalledWheel, start: str) -> None:
    """No traceback; the line names the setting, and the exit code is 1."""
    done = functions.run(*STARTS[start], environment={"FUNCTION": "nonsense"})
    assert done.returncode == 1
    assert re.fullmatch(r"kepler: `FUNCTION` is 'nonsense': set it to one of .*\n", done.stderr)


def test_the_plugin_runs_with_its_declared_dependencies_alone(plugin: InstalledWheel) -> None:
    """Without a cluster it renders the samples into the objects that the functions would write."""
    main = ("-c", "from cli.main import main; main()")
    assert "Usage: kubectl kepler" in plugin.run(*main, "--help").stdout
    samples = [str(ROOT / f"config/samples/{name}.yaml") for name in ("kepler", "collected-metric", "exported-power")]
    done = plugin.run(*main, "render", "--offline", *(part for sample in samples for part in ("-f", sample)))
    assert "kind: DaemonSet" in done.stdout
    assert "Traceback" not in done.stderr


def test_every_module_of_the_plugin_can_be_imported_there(plugin: InstalledWheel) -> None:
    """No command needs a package that the plugin does not declare."""
    walk = (
        "import cli, importlib, pkgutil\n"
        "for module in pkgutil.walk_packages(cli.__path__, 'cli.'): importlib.import_module(module.name)"
    )
    done = plugin.run("-c", walk)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("package", ["flask", "sqlalchemy", "alembic", "psycopg", "hypercorn", "func_python"])
def test_the_plugin_brings_neither_server_nor_database(plugin: InstalledWheel, package: str) -> None:
    """An administrator's laptop gets what a command line needs, and nothing else."""
    assert not (plugin.dependencies / package).exists()


def test_the_functions_bring_no_command_line(functions: InstalledWheel) -> None:
    """`function` is installed in the image only; `cli` and its packages would have no use there."""
    assert not (functions.packages / "cli").exists()
    assert not (functions.dependencies / "typer").exists()


def test_no_document_installs_the_functions_by_name() -> None:
    """`function` on PyPI is somebody else's package."""
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), CLI / "README.md"]
    guilty = [path.name for path in documents if re.search(r"install\s+['\"]?function\b", path.read_text())]
    assert guilty == []
