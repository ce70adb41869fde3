"""One reason of a condition, as `docs/troubleshooting.md` explains it, and which conditions carry which reasons."""

from dataclasses import dataclass

from functions import status
from functions.function_catalogue import FUNCTIONS
from operands.pod_trouble import BACK_OFF

# The functions' own conditions: any of them may report a refused write.
RECONCILED_CONDITIONS = tuple(function.condition for function in FUNCTIONS if function.name != status.FUNCTION.name)
OF_KEPLERS = tuple(
    function.condition
    for function in FUNCTIONS
    if function.condition in RECONCILED_CONDITIONS and function.parent == status.FUNCTION.parent
)
# The conditions about the pods of a workload.
PODS = (status.AVAILABLE, status.MODEL_SERVER_AVAILABLE)
NOTHING = "Nothing."
RESYNC = "run `kubectl kepler resync NAME -n NAMESPACE`"
RESYNC_MACHINES = "run `kubectl kepler resync KeplerMachineConfig/NAME`"
RETRIED = (
    f"The controller of the workload tries again within {BACK_OFF} minutes; the `kubectl rollout restart` command in "
    "the message makes it try at once."
)


@dataclass(frozen=True)
class ReasonEntry:
    """One reason: the conditions that carry it, what it means, and what the user does."""

    reason: str
    conditions: tuple[str, ...]
    means: str
    do: str

    @property
    def carried(self) -> str:
        """Return the conditions in Markdown."""
        return ", ".join(f"`{condition}`" for condition in self.conditions)

    @property
    def section(self) -> str:
        """Return the section of the page."""
        return f"## {self.reason}\n\n{self.means}\n\n**What to do:** {self.do}\n"
