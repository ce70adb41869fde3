"""`python -m effects`: writes `docs/effects.md`; `make generate` runs it."""

import argparse
import sys

from effects.field_effects import FILE, MissingCase, document


def main() -> None:
    """Write the page. If a field has no row, print one line and exit with 1."""
    try:
        FILE.write_text(document())
    except MissingCase as missing:
        sys.exit(str(missing))


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m effects", description=__doc__).parse_args()
    main()
