"""The container image: it runs as it will in a cluster, and has in it what its bill of materials says."""

import json
import signal
import stat
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from image import assemble, bytecode, oci, product
from image.interpreter import ImageInterpreter
from local.layout import ROOT
from runtime.settings import VERSION
from tests.image.unpacked import UnpackedImage
from tests.started import KUBECONFIG, free_port, ready, settings

# Modules that a function, `audit` or the export of spans imports from the dependencies.
IMPORTED = ("flask", "psycopg", "sqlalchemy", "alembic", "pydantic", "yaml", "opentelemetry.exporter.otlp.proto.http")


@pytest.mark.parametrize(("function", "writable"), [("collector", ""), ("audit", "/kept")])
def test_a_function_serves_as_nobody_on_a_read_only_root(image: UnpackedImage, function: str, writable: str) -> None:
    """It says that it is ready; SIGTERM, which the image names as its signal, ends it with exit code 0."""
    port = free_port()
    (image.root / "kubeconfig").write_text(KUBECONFIG)
    (image.root / "kept").mkdir(exist_ok=True)
    process = image.start(environment=settings(function, f"[::]:{port}", "/kubeconfig"), writable=writable)
    try:
        assert ready(process, port), process.communicate(timeout=5)[1]
    finally:
        process.send_signal(getattr(signal, image.config["StopSignal"]))
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_a_wrong_setting_is_one_line_in_the_log(image: UnpackedImage) -> None:
    """`kubectl logs` shows what to set, and no traceback."""
    process = image.start(environment={"FUNCTION": "nonsense"})
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.startswith("kepler: `FUNCTION` is 'nonsense'")
    assert err.count("\n") == 1


def test_python_compiles_nothing_at_a_start(image: UnpackedImage) -> None:
    """Every module has byte code that is valid whatever the times of files are."""
    python = ImageInterpreter(image.root)
    assert bytecode.stale(python, image.root / "usr/lib/python3") == []
    assert bytecode.stale(python, image.root / python.packages) == []
    assert bytecode.stale(python, image.root / f"usr/lib/python{python.version}") == []


def test_what_functions_import_is_there(image: UnpackedImage) -> None:
    """Nothing that was left out is missed: compiled modules find their libraries, TLS its certificates."""
    image.python(f"import {', '.join(IMPORTED)}")
    image.python("import kubernetes.client.models, kubernetes.client.api, kubernetes.config, kubernetes.utils")
    certificates = image.python("import ssl; print(len(ssl.create_default_context().get_ca_certs()))")
    assert int(certificates) > 100
    assert image.python("import zoneinfo; print(zoneinfo.ZoneInfo('Europe/Berlin'))") == "Europe/Berlin"


def test_there_is_neither_a_shell_nor_a_package_manager_nor_a_way_to_root(image: UnpackedImage) -> None:
    """Who breaks into a function finds Python, and nothing that is set-uid."""
    programs = sorted(path.name for path in (image.root / "usr/bin").iterdir())
    assert programs == ["py3clean", "py3compile", "py3versions", "python3", f"python{_version(image)}"]
    modes = [path.lstat().st_mode for path in image.root.rglob("*") if not path.is_symlink()]
    assert not any(mode & (stat.S_ISUID | stat.S_ISGID) for mode in modes)


def test_the_same_checkout_gives_the_same_layer(image: UnpackedImage, tmp_path: Path) -> None:
    """Built again, elsewhere and later, our layer has the same bytes; the other two are kept."""
    again = tmp_path / "again"
    again.mkdir()
    product.make(again, ImageInterpreter(image.root))
    assert oci.layer({"": again}).digest == oci.sha256(image.layers[2])


def test_an_upgrade_brings_a_small_layer(image: UnpackedImage) -> None:
    """A new version of ours leaves the lower layers as they are on the nodes: less than 2 of 45 MB are new."""
    assert len(image.layers[2]) < 2e6 < len(image.layers[0])


def test_nothing_in_our_layer_names_the_machine_that_built_it(image: UnpackedImage) -> None:
    """Paths of the checkout are neither in byte code nor in the metadata of packages."""
    with tarfile.open(fileobj=BytesIO(image.layers[2])) as tar:
        contents = {entry.name: file.read() for entry in tar if (file := tar.extractfile(entry))}
    assert [name for name, content in contents.items() if str(ROOT).encode() in content] == []


def test_the_bill_of_materials_lists_what_is_installed(image: UnpackedImage) -> None:
    """Valid CycloneDX; every Python and Debian package that the image itself lists, in its version."""
    text = image.archive.with_suffix(".cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    components = json.loads(text)["components"]
    assert all(component["hashes"] for component in components)
    listed = {(part["purl"].partition("/")[0], part["name"], part["version"]) for part in components}
    assert {part for part in listed if part[0] == "pkg:deb"} == _debian(image)
    assert {part for part in listed if part[0] == "pkg:pypi"} == _python(image)


def test_the_name_of_the_archive_is_its_version() -> None:
    """`make image` writes `.local/image/kepler-on-knative-VERSION.tar`."""
    assert assemble.OUTPUT.name == f"kepler-on-knative-{VERSION}.tar"


def _debian(image: UnpackedImage) -> set[tuple[str, str, str]]:
    entries = (image.root / "var/lib/dpkg/status").read_text().split("\n\n")
    fields = [dict(line.split(": ", 1) for line in entry.splitlines() if ": " in line[1:]) for entry in entries]
    return {("pkg:deb", entry["Package"], entry["Version"]) for entry in fields}


def _python(image: UnpackedImage) -> set[tuple[str, str, str]]:
    code = (
        "import importlib.metadata, re\n"
        "for package in importlib.metadata.distributions():\n"
        "    print(re.sub('[-_.]+', '-', package.name).lower(), package.version)"
    )
    lines = [line.split() for line in image.python(code).splitlines()]
    return {("pkg:pypi", name, version) for name, version in lines if name != "function"}


def _version(image: UnpackedImage) -> str:
    return ImageInterpreter(image.root).version
