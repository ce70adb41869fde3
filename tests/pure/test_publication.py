"""A release: its version is everywhere, and its definitions are kept as they were published."""

import shutil
import subprocess
from pathlib import Path

import pytest

from crds import publication
from local.layout import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a release reads and writes of this project, in a repository of its own."""
    for name in ("runtime/settings.py", "README.md", "docs", "config/crds", "config/released"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (tmp_path / name).parent.mkdir(exist_ok=True)
        copy(ROOT / name, tmp_path / name)
    git(tmp_path, "init", "--quiet")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    """git with an author, and without the user's own settings."""
    author = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *author, *arguments], check=True, capture_output=True)


def tag(folder: Path, version: str) -> None:
    """Commit everything and tag it."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", version)
    git(folder, "tag", f"v{version}")


def test_every_release_of_this_project_is_kept() -> None:
    """If a sentence is here: `make release`, or `git show`, writes what is missing; a published definition is final."""
    assert list(publication.unkept(ROOT)) == []


def test_pages_name_the_image_of_this_version() -> None:
    """What a reader copies exists."""
    assert publication.versions_in_pages(ROOT) == {publication.present(ROOT)}


def test_a_release_is_in_code_pages_and_kept_definitions(checkout: Path) -> None:
    """All that names the version, and nothing left of the one before."""
    publication.set_version(checkout, "7.8.9")
    kept = publication.keep(checkout)
    assert (publication.present(checkout), publication.versions_in_pages(checkout)) == ("7.8.9", {"7.8.9"})
    assert kept == checkout / "config/released/7.8.9"
    assert {file.name for file in kept.iterdir()} == {f.name for f in (ROOT / "config/released/0.1.0").iterdir()}
    tag(checkout, "7.8.9")
    assert list(publication.unkept(checkout)) == []


def test_a_tag_without_kept_definitions_is_found(checkout: Path) -> None:
    """Somebody has tagged by hand."""
    publication.set_version(checkout, "7.8.9")
    tag(checkout, "7.8.9")
    names = list(publication.unkept(checkout))
    assert len(names) == len(list((ROOT / "config/released/0.1.0").iterdir()))
    assert "config/released/7.8.9/kepler.yaml is not as it was published" in "\n".join(names)


def test_a_kept_definition_that_was_changed_is_found(checkout: Path) -> None:
    """A published definition is final: later ones would be compared with something that nobody has."""
    publication.set_version(checkout, "7.8.9")
    kept = publication.keep(checkout) / "kepler.yaml"
    tag(checkout, "7.8.9")
    kept.write_text(kept.read_text().replace("maxLength", "maximum", 1))
    assert [sentence.partition(" ")[0] for sentence in publication.unkept(checkout)] == [
        "config/released/7.8.9/kepler.yaml"
    ]


@pytest.mark.parametrize(
    ("version", "says"), [("next", "three numbers"), ("", "three numbers"), ("7.8.9", "a tag v7.8.9")]
)
def test_what_is_no_new_version_is_refused(checkout: Path, version: str, says: str) -> None:
    """Nothing is written then."""
    tag(checkout, "7.8.9")
    before = publication.present(checkout)
    with pytest.raises(ValueError, match=says):
        publication.set_version(checkout, version)
    assert publication.present(checkout) == before
