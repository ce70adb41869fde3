"""`python -m local`: the embedded default from the command line."""

import argparse
import sys
from pathlib import Path

from local import background, go_programs, run
from local.local_errors import Interrupted, LocalError

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run a command. Return 0 if it succeeded, 1 with a message if it failed, 130 if it was interrupted."""
    try:
        return _do(_parser().parse_args(arguments))
    except Interrupted as error:
        print(error, file=sys.stderr)
        return INTERRUPTED
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _do(chosen: argparse.Namespace) -> int:
    if chosen.command == "status":
        return 0 if background.status() else 1
    if chosen.command == "build":
        go_programs.build(say=_say)
    elif chosen.command == "down":
        background.down(_say)
    elif chosen.command == "up":
        background.up(run.Options(chosen.config, chosen.samples), _say)
    else:
        run.run(run.Options(chosen.config, chosen.samples, chosen.once), _say)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="Kepler on Knative as plain local processes.")
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="start everything, apply the samples, stay until Ctrl-C")
    running.add_argument("--once", action="store_true", help="end as soon as the samples are Ready (or are not)")
    detached = commands.add_parser("up", help="the same in the background; returns when the samples are Ready")
    for subcommand in (running, detached):
        subcommand.add_argument("--config", type=Path, default=run.CONFIG, help="the configuration to install")
        subcommand.add_argument("--samples", type=Path, default=run.SAMPLES, help="what to apply once everything runs")
        subcommand.add_argument("--no-samples", dest="samples", action="store_const", const=None, help="apply nothing")
    commands.add_parser("down", help="stop everything, also what a killed run left behind")
    commands.add_parser("status", help="which processes run; ends with 0 only if all do")
    commands.add_parser("build", help="build the pinned programs, if they are not built yet")
    return parser


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
