"""`python -m image build`: writes the operator's image as an OCI archive, without a container engine."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from image import assemble, oci
from image.failure import ImageError


def main(arguments: list[str] | None = None) -> int:
    """Run the build. Return 0 if the image was written, 1 after one line that says what is missing."""
    parser = argparse.ArgumentParser(prog="python -m image", description="The operator's image, without an engine.")
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="write the image as an OCI archive")
    build.add_argument("--tag", default=assemble.TAG, metavar="NAME:TAG", help="its name (default: %(default)s)")
    build.add_argument("--output", type=Path, default=assemble.OUTPUT, metavar="FILE", help="(default: %(default)s)")
    build.add_argument("--update", action="store_true", help="download the Debian packages again, for their fixes")
    chosen = parser.parse_args(arguments)
    try:
        assemble.build(chosen.tag, chosen.output, print, epoch=_epoch(), update=chosen.update)
    except (ImageError, subprocess.SubprocessError) as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    return 0


def _epoch() -> int:
    written = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not (written or "0").isdecimal():
        raise ImageError(f"`SOURCE_DATE_EPOCH` is '{written}': set it to seconds since 1970, or leave it out")
    return int(written or oci.EPOCH)


if __name__ == "__main__":
    sys.exit(main())
