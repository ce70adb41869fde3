"""`python -m functions`: serves the function that `FUNCTION` names, on `LISTEN_ADDRESS` (default: port 8080)."""

import sys

from func_python.http import serve

from functions.func import new
from runtime.errors import Misconfigured

try:
    serve(new)
except Misconfigured as wrong:
    sys.exit(f"kepler: {wrong}")
