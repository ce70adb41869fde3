"""What is explored: small scenarios with every test run, large ones by `python -m tests.model`."""

from tests.model.functions import (
    ALONE,
    CHILD,
    HALVED,
    INPUT,
    INSTALLED,
    LISTED,
    NAMED,
    OTHER,
    PARENT,
    SHARED,
    SOMETIMES,
    TWO,
)
from tests.model.scenario import Scenario, configures, deletes, edits, makes_again, meddles

BOTH = (INPUT, OTHER)

SMALL = (
    Scenario(ALONE, (edits(PARENT, 2), deletes(PARENT)), crashes=1),
    Scenario(ALONE, (edits(PARENT, 2),), workers=3, crashes=1),
    Scenario(ALONE, (edits(PARENT, 1), deletes(CHILD), meddles(CHILD)), losses=1),
    Scenario(ALONE, (edits(PARENT, 1), deletes(PARENT), makes_again(PARENT)), crashes=1),
    Scenario(HALVED, (edits(PARENT, 2),), crashes=1, losses=1, repeats=1),
    Scenario(TWO, (edits(PARENT, 1), edits(INPUT, 1)), crashes=1),
    Scenario(NAMED, (edits(PARENT, 1), edits(INPUT, 1), edits(OTHER, 1)), others=BOTH),
    Scenario(LISTED, (edits(INPUT, 1), edits(OTHER, 1)), others=BOTH, crashes=1),
    Scenario(SHARED, (edits(PARENT, 1), configures(1))),
    Scenario(SOMETIMES, (edits(PARENT, 2), deletes(CHILD)), losses=1),
    Scenario(INSTALLED, (edits(PARENT, 1), deletes(PARENT), makes_again(PARENT))),
)

# The first two are those of the design: one input, and two.
LARGE = (
    Scenario(ALONE, (edits(PARENT, 3), deletes(PARENT)), workers=3, crashes=2),
    Scenario(TWO, (edits(PARENT, 2), edits(INPUT, 2), deletes(PARENT)), crashes=1),
    Scenario(TWO, (edits(PARENT, 1), edits(INPUT, 1)), workers=3, crashes=1),
    Scenario(TWO, (edits(PARENT, 1), edits(INPUT, 1), deletes(PARENT), makes_again(PARENT)), crashes=1),
    Scenario(ALONE, (edits(PARENT, 2), deletes(PARENT), makes_again(PARENT)), crashes=1, losses=1),
    Scenario(ALONE, (edits(PARENT, 2), deletes(CHILD), meddles(CHILD)), crashes=1, losses=1, repeats=1),
    Scenario(HALVED, (edits(PARENT, 3), deletes(PARENT)), workers=3, crashes=1),
    Scenario(NAMED, (edits(PARENT, 2), edits(INPUT, 1), edits(OTHER, 1)), others=BOTH, crashes=1),
    Scenario(LISTED, (edits(PARENT, 1), edits(INPUT, 1), edits(OTHER, 1)), others=BOTH, crashes=1),
    Scenario(SHARED, (edits(PARENT, 1), configures(2)), crashes=1),
    Scenario(SOMETIMES, (edits(PARENT, 3), deletes(CHILD)), crashes=1, losses=1),
    Scenario(INSTALLED, (edits(PARENT, 1), deletes(PARENT), makes_again(PARENT)), crashes=1, losses=1),
)
