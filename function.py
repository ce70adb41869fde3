"""The module that func's `main.py` imports: `from function import new`, then `serve(new)`.

`python -m functions` starts the same way. The garbage collector is off while modules load, since there is nothing to
collect yet: that is a tenth of the start.
"""

import gc
import sys

gc.disable()

from functions import func  # noqa: E402 (imported while garbage collection is off)
from runtime.errors import Misconfigured  # noqa: E402

gc.freeze()
gc.enable()


def new() -> func.KeplerFunction:
    """Return the function that `FUNCTION` names; a wrong setting ends the process, with one line on standard error."""
    try:
        return func.new()
    except Misconfigured as wrong:
        sys.exit(f"kepler: {wrong}")
