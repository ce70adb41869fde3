"""`python -m functions`: serves the function that `FUNCTION` names, on `LISTEN_ADDRESS` (default: port 8080)."""

import gc
import sys


def main() -> None:
    """Serves until SIGTERM; ends with one line on standard error where a setting is wrong."""
    gc.disable()  # while modules load there is nothing to collect: a tenth of the start
    from func_python.http import serve  # noqa: PLC0415

    from functions.func import new  # noqa: PLC0415
    from runtime.errors import Misconfigured  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    try:
        serve(new)
    except Misconfigured as wrong:
        sys.exit(f"kepler: {wrong}")


main()
