"""`python -m tests.model`: every scenario, the small ones and the large, with the number of its states.

Ends with 1 where a property does not hold, with a shortest way to where that shows.
"""

import sys
from collections.abc import Iterator

from tests.model.explore import Explored, explore
from tests.model.scenario_list import LARGE, ONE_PROCESS, SMALL, TOGETHER
from tests.model.worker import determined

LINE = (
    "{0.states:>9,} states {0.steps:>10,} steps {0.at_rest:>4} at rest {1} violations {0.seconds:>6.1f} s  {0.scenario}"
)


def explored() -> Iterator[Explored]:
    """One scenario after the other."""
    for scenario in (*ONE_PROCESS, *TOGETHER, *SMALL, *LARGE):
        with determined(scenario.rounds):
            yield explore(scenario)


def main() -> int:
    """Prints a line for each scenario, and what is wrong."""
    states, violated = 0, 0
    for done in explored():
        print(LINE.format(done, len(done.violations)), flush=True)
        states += done.states
        violated += len(done.violations)
        for violation in done.violations.values():
            print(violation, flush=True)
    print(f"{states:>9,} states in all, {violated} violations")
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main())
