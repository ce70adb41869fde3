"""A release of this project: the version in every file that names it, and the definitions kept as they are published.

`make release VERSION=1.2.3` runs this, with `make generate` between both steps. `tests/pure/test_publication.py`
asks `unkept`: no release can be tagged without its definitions in `config/released`, and none of these be changed.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SETTINGS = Path("runtime/settings.py")
DEFINITIONS = Path("config/crds")
RELEASED = Path("config/released")
PAGES = ("README.md", "docs/*.md")
NUMBER = r"[0-9]+\.[0-9]+\.[0-9]+"
ASSIGNED = re.compile(rf'(?<=^VERSION = "){NUMBER}(?="$)', re.MULTILINE)
# Where a page names the image of this version: its archive, its reference, or a kustomization's tag.
NAMED = re.compile(rf"(?<=kepler-on-knative[-:]){NUMBER}(?![0-9.]*[0-9])|(?<=newTag: ){NUMBER}")
LIST = "kustomization.yaml"
NEXT = "Next: what README says of how ripe it is; `make test`; commit; `git tag v{}`"
KEPT = "# Released with version {}: what later versions are compared with (`crds.compatibility`); do not edit.\n"


def set_version(root: Path, version: str) -> None:
    """Write a version into the code and the pages. Raises ValueError for one that is no 'x.y.z', or is kept already."""
    if not re.fullmatch(NUMBER, version):
        raise ValueError(f"'{version}' is no version: write three numbers, such as VERSION=0.2.0")
    if version in tags(root):
        raise ValueError(f"version {version} is released: there is a tag v{version}")
    settings = root / SETTINGS
    settings.write_text(ASSIGNED.sub(version, settings.read_text()))
    for page in pages(root):
        page.write_text(NAMED.sub(version, page.read_text()))


def keep(root: Path) -> Path:
    """Copy the definitions of the present version to where later ones are compared with them; return that folder."""
    version = present(root)
    folder = root / RELEASED / version
    folder.mkdir(parents=True, exist_ok=True)
    for definition in sorted((root / DEFINITIONS).glob("*.yaml")):
        if definition.name != LIST:
            (folder / definition.name).write_text(KEPT.format(version) + _body(definition.read_text()))
    return folder


def unkept(root: Path) -> Iterator[str]:
    """Yield a sentence for each definition of a tagged version that is not in `config/released` as it was published."""
    for version in tags(root):
        for name in _git(root, "ls-tree", "--name-only", f"v{version}:{DEFINITIONS}").split():
            kept = root / RELEASED / version / name
            published = f"v{version}:{DEFINITIONS}/{name}"
            if name != LIST and not (kept.exists() and _body(kept.read_text()) == _body(_git(root, "show", published))):
                yield f"{RELEASED}/{version}/{name} is not as it was published: it has to be `git show {published}`"


def tags(root: Path) -> list[str]:
    """Return the versions that are tagged, 'v1.2.3'; none where this is no checkout of git's."""
    if not (root / ".git").exists():
        return []
    return [tag[1:] for tag in _git(root, "tag", "--list", "v*").split() if re.fullmatch(f"v{NUMBER}", tag)]


def present(root: Path) -> str:
    """Return the version that the code says. Raises ValueError if it says none."""
    if assigned := ASSIGNED.search((root / SETTINGS).read_text()):
        return assigned[0]
    raise ValueError(f'{SETTINGS} has no line `VERSION = "1.2.3"`')


def versions_in_pages(root: Path) -> set[str]:
    """Return the versions of the image that pages name."""
    return {version for page in pages(root) for version in NAMED.findall(page.read_text())}


def pages(root: Path) -> list[Path]:
    """Return the pages that may name the image."""
    return [page for pattern in PAGES for page in sorted(root.glob(pattern))]


def _body(definition: str) -> str:
    """Return a definition without the comment that it begins with."""
    return re.sub(r"\A(?:#[^\n]*\n)+", "", definition)


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True).stdout


def main(arguments: list[str]) -> int:
    """`version 1.2.3` or `definitions`, below the present folder."""
    root = Path.cwd()
    try:
        if arguments[:1] == ["version"]:
            set_version(root, arguments[1])
        else:
            sys.stdout.write(f"{keep(root).relative_to(root)} is written. {NEXT.format(present(root))}\n")
    except ValueError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
