"""`python -m functions`: serves the function that `FUNCTION` names, on `LISTEN_ADDRESS` (default: port 8080)."""

from func_python.http import serve

from function import new


def main() -> None:
    """Serve until SIGTERM."""
    serve(new)


main()
