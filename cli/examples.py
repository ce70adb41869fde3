"""Additions to each command's `--help`: a line for the list of commands, and two examples."""

from collections.abc import Mapping
from dataclasses import dataclass

NAME = "kubectl kepler"


@dataclass(frozen=True)
class Help:
    """`short` is the line in the list of commands; `examples` are arguments as a user types them."""

    short: str
    examples: tuple[str, str]

    @property
    def epilog(self) -> str:
        """Return the examples. The backspace at the beginning of a paragraph keeps click from wrapping it."""
        return "\b\nExamples:\n" + "\n".join(f"  {NAME} {example}" for example in self.examples)


HELP: Mapping[str, Help] = {
    "status": Help(
        "All resources, the worst first: Ready, and why.", ("status -A", "status -n energy -l team=a --watch")
    ),
    "explain": Help("Why a resource is not Ready, and what to do.", ("explain -n energy", "explain kmc/machines")),
    "history": Help(
        "Who changed what, and what the functions did about it.",
        ("history kepler -n energy --since 24h", "history --target ds/kepler-exporter -n energy"),
    ),
    "trace": Help(
        "One change as a waterfall over the functions.", ("trace -n energy", "trace -n energy --generation 3 --calls")
    ),
    "diff": Help(
        "What an apply would change, pods included.", ("diff -f kepler.yaml -n energy", "diff -k config/samples")
    ),
    "render": Help(
        "The objects that the functions would write.",
        ("render -f kepler.yaml -n energy", "render --offline -k config/samples -o json"),
    ),
    "resync": Help("Ask every function to reconcile now.", ("resync -n energy --wait", "resync --all -A")),
    "doctor": Help(
        "Is the installation complete, and does it work?", ("doctor", "doctor --operator-namespace kepler -o json")
    ),
    "support-bundle": Help(
        "One archive with what somebody needs to help.", ("support-bundle", "support-bundle -n energy -o bundle.tar.gz")
    ),
    "version": Help("Versions of this program and of the operator.", ("version", "version -o json")),
    "completion": Help(
        "The script by which kubectl completes all of this.",
        ("completion > ~/.local/bin/kubectl_complete-kepler", "completion | head"),
    ),
    "dead-letters": Help("Events that could not be delivered.", ("dead-letters", "dead-letters -o json")),
    "dead-letters show": Help(
        "One letter: to whom, the answer, the event.",
        ("dead-letters show dead-letter-1a2b", "dead-letters show dead-letter-1a2b -o yaml"),
    ),
    "dead-letters replay": Help(
        "Send letters again.", ("dead-letters replay dead-letter-1a2b", "dead-letters replay --all")
    ),
    "dead-letters discard": Help(
        "Delete letters without sending them again.",
        ("dead-letters discard dead-letter-1a2b", "dead-letters discard --all"),
    ),
}
