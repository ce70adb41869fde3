"""The base layer: Python and the libraries it needs, of Debian packages.

`mmdebstrap` downloads and extracts the packages and all that they depend on. Nothing configures them, so what their
installation would have made is made here: the bundle of certificates, users, and the list of packages, which scanners
read. There is no shell and no package manager.
"""

import platform
import shutil
import subprocess
import tarfile
from pathlib import Path

from image import bytecode, trim
from image.components import Component, file_digest
from image.failure import ImageError
from image.interpreter import ImageInterpreter

# Debian 13, with Python 3.13: security support until 2028, and then long-term support.
RELEASE = "trixie"
PACKAGES = ("base-files", "ca-certificates", "libpython3-stdlib", "python3-minimal", "tzdata")
# Needed to configure packages, by their maintainers' scripts only; and the libraries that only those use.
LEFT_OUT = frozenset(
    {"debconf", "dpkg", "libacl1", "libmd0", "libpcre2-8-0", "libselinux1", "mawk", "media-types", "openssl", "tar"}
)
ARCHIVES = "var/cache/apt/archives"
# Documentation goes, licences stay; apt's and dpkg's own files have no use without them; Python has its own character
# sets; `etc/hostname` and `etc/resolv.conf` are those of the machine that builds.
UNNEEDED = (
    "dev",
    "etc/apt",
    "etc/dpkg",
    "etc/fstab",
    "etc/hostname",
    "etc/resolv.conf",
    "tmp",
    "usr/lib/x86_64-linux-gnu/gconv",
    "usr/lib/aarch64-linux-gnu/gconv",
    "usr/share/bash-completion",
    "usr/share/bug",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/perl5",
    "usr/share/pixmaps",
    "usr/share/python3/runtime.d",
    "var/cache",
    "var/lib/apt",
    "var/lib/dpkg",
    "var/log",
)
USERS = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/nonexistent:/sbin/nologin\n"
GROUPS = "root:x:0:\nnonroot:x:65532:\n"
# Debian's names of architectures -> the names of the OCI configuration; by what `platform.machine` says.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
LONGEST = 1800


def architecture() -> str:
    """Return this machine's architecture, as Debian and OCI name it; an image is built for it."""
    try:
        return ARCHITECTURES[platform.machine()]
    except KeyError:
        raise ImageError(f"an image cannot be built on '{platform.machine()}': build it on x86_64 or aarch64") from None


def require_mmdebstrap() -> None:
    """Raise ImageError, with the command that installs it, if `mmdebstrap` is not here."""
    if not shutil.which("mmdebstrap"):
        raise ImageError(
            "the image needs `mmdebstrap`: run `apt-get install --no-install-recommends mmdebstrap` as root "
            "(Debian and its kin), or install it with your package manager"
        )


def make(root: Path) -> list[Component]:
    """Fill an empty folder with the base: Debian's files, and byte code of Python's own modules."""
    require_mmdebstrap()
    archive = root.with_name("debian.tar")
    try:
        _download(archive)
        with tarfile.open(archive) as tar:
            tar.extractall(root, filter=_entry)  # noqa: S202 - it has a filter
    finally:
        archive.unlink(missing_ok=True)
    packages = [archive for archive in sorted((root / ARCHIVES).glob("*.deb")) if _name(archive) not in LEFT_OUT]
    controls = [_dpkg_deb("--field", archive) for archive in packages]
    components = [_component(archive) for archive in packages]
    _remove_left_out(root)
    trim.remove(root / path for path in UNNEEDED)
    trim.remove(path for path in sorted(root.glob("usr/share/doc/*/*")) if path.name != "copyright")
    _configure(root, controls)
    python = ImageInterpreter(root)
    modules = Path(f"usr/lib/python{python.version}")
    # `sitecustomize` is a hook of Ubuntu's crash reporter.
    trim.remove([root / modules / "test", root / modules / "sitecustomize.py"])
    bytecode.compile_all(python, root, modules)
    return components


def _download(archive: Path) -> None:
    command = ["mmdebstrap", "--variant=extract", "--skip=cleanup", "--quiet", f"--include={','.join(PACKAGES)}"]
    done = subprocess.run(
        [*command, f"--architectures={architecture()}", RELEASE, str(archive)],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    if done.returncode:
        last = " | ".join(done.stderr.strip().splitlines()[-3:])
        raise ImageError(
            f"`mmdebstrap` failed: {last}. It needs root or user namespaces, the keys of Debian's archive "
            "(package `debian-archive-keyring`), and a way to Debian's mirrors"
        )


def _entry(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
    """Keep files, folders and links, and let the one who builds own and write them."""
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        return None
    if not member.issym():
        member.mode |= 0o700 if member.isdir() else 0o600
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return tarfile.tar_filter(member, path)


def _name(archive: Path) -> str:
    return archive.name.partition("_")[0]


def _component(archive: Path) -> Component:
    fields = [_dpkg_deb("--field", archive, field).strip() for field in ("Package", "Version", "Architecture")]
    return Component("deb", fields[0], fields[1], file_digest(archive), architecture=fields[2])


def _remove_left_out(root: Path) -> None:
    """Remove the files of packages that only configuring needs."""
    for archive in sorted((root / ARCHIVES).glob("*.deb")):
        if _name(archive) in LEFT_OUT:
            for line in _dpkg_deb("--contents", archive).splitlines():
                path = root / line.split(maxsplit=5)[5].partition(" -> ")[0].removeprefix("./")
                if path.is_symlink() or not path.is_dir():
                    trim.remove([path])


def _configure(root: Path, controls: list[str]) -> None:
    """Make what the packages' scripts would make: certificates, users, `/tmp`, and the list of packages."""
    certificates = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_text("".join(certificate.read_text().rstrip() + "\n" for certificate in certificates))
    # Where Debian's OpenSSL looks; the package `openssl` has this link.
    (root / "usr/lib/ssl/cert.pem").symlink_to("/etc/ssl/certs/ca-certificates.crt")
    (root / "etc/passwd").write_text(USERS)
    (root / "etc/group").write_text(GROUPS)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    status = root / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    entries = (control.rstrip().replace("\n", "\nStatus: install ok installed\n", 1) for control in controls)
    status.write_text("\n\n".join(entries) + "\n")


def _dpkg_deb(option: str, archive: Path, *fields: str) -> str:
    command = ["dpkg-deb", option, str(archive), *fields]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout
