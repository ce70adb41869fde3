"""The Containerfile makes the same image as `make image`: what the one says, the other does."""

import json
import re
import tomllib

from image import base, product, trim
from local.layout import ROOT

TEXT = (ROOT / "Containerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# What the build copies beside our packages.
NOT_OURS = {"requirements/runtime.txt", "image/trim.py", "--from=packages"}
# Of the last stage, which is the image.
FINAL = TEXT[TEXT.rindex("\nFROM ") :]


def values(instruction: str, text: str = FINAL) -> list[str]:
    """Return what follows each such instruction."""
    return re.findall(rf"^{instruction} (.+)$", text, re.MULTILINE)


def test_a_container_runs_the_same_way() -> None:
    """User, entrypoint, signal, port and environment are those of `image.product`."""
    config = product.config().document()
    assert values("USER") == [config["User"]]
    assert json.loads(values("ENTRYPOINT")[0]) == config["Entrypoint"]
    assert values("STOPSIGNAL") == [config["StopSignal"]]
    assert values("EXPOSE") == list(config["ExposedPorts"])
    assert values("ENV") == config["Env"]


def test_it_is_made_of_the_same_packages() -> None:
    """Debian's release and packages, our packages, and the locked Python packages by hash."""
    assert {release.split()[0] for release in values("FROM", TEXT)} == {f"debian:{base.RELEASE}-slim"}
    assert all(f" {package} " in FINAL for package in base.PACKAGES if package != "base-files")
    ours = {line.split()[0] for line in values("COPY", TEXT)} - {
        "requirements/runtime.txt",
        "image/trim.py",
        "--from=packages",
    }
    assert ours == set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"])
    pip = next(line for line in values("RUN", TEXT) if line.startswith("pip "))
    assert {"--require-hashes", "--only-binary", "--no-deps", "/requirements/runtime.txt"} <= set(pip.split())


def test_what_is_not_needed_to_run_is_left_out() -> None:
    """By the code of `make image`, and before byte code is compiled."""
    [trimmed] = [line for line in values("RUN", TEXT) if "import pathlib, trim;" in line]
    assert {trim.python_packages.__name__, trim.kubernetes_client.__name__} <= set(
        re.findall(r"trim\.(\w+)\(", trimmed)
    )
    assert TEXT.index("pip install") < TEXT.index(trimmed) < TEXT.index("compileall")


def test_its_byte_code_is_valid_whatever_the_times_of_files() -> None:
    """As in the image of `make image`; image.bytecode says why."""
    assert "compileall -q -f --invalidation-mode unchecked-hash" in TEXT
