"""`kubectl kepler`: the commands, and how a command ends.

kubectl runs `kubectl-kepler` from the PATH for `kubectl kepler`. Every error is one line on standard error;
`cli.command_errors` describes the exit codes.
"""

import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence

import typer
from typer.exceptions import TyperException

from cli import complete
from cli.command_errors import CliError, Exit, as_cli_error
from cli.commands import (
    dead_letters_command,
    diff,
    doctor,
    explain,
    history,
    resync,
    status_command,
    support_bundle,
    version,
)
from cli.examples import HELP, NAME
from cli.options import command
from cli.output import remark
from runtime import redact
from runtime.errors import OperatorError

DEBUG = "KEPLER_DEBUG"
INTERRUPTED = 130
# With these options the program is called by its own name, `kubectl-kepler`: that is the name that a shell knows.
ABOUT_SHELLS = {"--install-completion", "--show-completion"}

COMMANDS: Mapping[str, Callable[..., int]] = {
    "status": status_command.status,
    "explain": explain.explain,
    "history": history.history,
    "trace": history.trace,
    "diff": diff.diff,
    "render": diff.render_command,
    "resync": resync.resync,
    "doctor": doctor.doctor,
    "support-bundle": support_bundle.bundle,
    "version": version.version,
}
LETTERS: Mapping[str, Callable[..., int]] = {
    "show": dead_letters_command.show,
    "replay": dead_letters_command.replay,
    "discard": dead_letters_command.discard,
}


def application() -> typer.Typer:
    """Return the application with all commands."""
    app = typer.Typer(
        name="kubectl-kepler",
        help="Kepler on Knative from the terminal: what is there, why, what happened, and what would happen.",
        epilog="Exit codes: 0 yes, 1 no (not Ready, differs, fails), 2 usage, 3 unreachable, 4 not found, 5 forbidden, "
        "6 refused.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for name, run in COMMANDS.items():
        app.command(name, short_help=HELP[name].short, epilog=HELP[name].epilog)(command(run))
    summary = HELP["dead-letters"]
    app.add_typer(_letters(), name="dead-letters", short_help=summary.short, epilog=summary.epilog)
    app.command("completion", short_help=HELP["completion"].short, epilog=HELP["completion"].epilog)(_completion)
    return app


def _completion() -> int:
    """The script by which kubectl completes `kubectl kepler`: save it as `kubectl_complete-kepler` in your PATH."""
    typer.echo(complete.SCRIPT, nl=False)
    return Exit.OK


def _letters() -> typer.Typer:
    """Return the group `dead-letters`; without a command it lists all dead letters."""
    app = typer.Typer(rich_markup_mode=None)
    app.callback(invoke_without_command=True)(command(dead_letters_command.listed))
    for name, run in LETTERS.items():
        summary = HELP[f"dead-letters {name}"]
        app.command(name, short_help=summary.short, epilog=summary.epilog)(command(run))
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command, and return its exit code."""
    try:
        return _ended(arguments)
    except TyperException as wrong:
        return _usage(wrong)
    except CliError as wrong:
        return _failed(wrong)
    except OperatorError as wrong:
        return _failed(as_cli_error(wrong))
    except Exception as defect:
        return _defect(defect)


def _ended(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit code; a closed pipe and Ctrl-C print no error."""
    try:
        name = complete.PROGRAM if ABOUT_SHELLS & {*arguments} else NAME
        asked = typer.main.get_command(application())
        ended = asked(list(arguments), prog_name=name, complete_var=complete.VARIABLE, standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    return int(ended or Exit.OK)


def _usage(wrong: TyperException) -> int:
    """Print what is wrong with the command line, or the help if it is empty; return the exit code."""
    message = str(getattr(wrong, "format_message", lambda: wrong)())
    remark(message if "\n" in message else f"error: {message.rstrip('.')}; see `{NAME} --help`")
    return Exit.USAGE


def _failed(wrong: CliError) -> int:
    _traced()
    remark(f"error: {wrong.message}")
    return wrong.exit


def _defect(defect: Exception) -> int:
    """Report a defect of this program, and return its exit code."""
    _traced()
    sentence = " ".join(redact.text(str(defect)).split())[:300]
    remark(
        f"error: a defect of `{NAME}` ({type(defect).__name__}: {sentence}); {DEBUG}=1 shows where, please report it"
    )
    return Exit.DEFECT


def _traced() -> None:
    """Print the traceback if KEPLER_DEBUG is set."""
    if os.environ.get(DEBUG):
        remark(redact.text(traceback.format_exc().rstrip(), redact.LONGEST_LOGGED))


def main() -> None:
    """Run the command line of this process, and exit."""
    sys.exit(run(sys.argv[1:]))
