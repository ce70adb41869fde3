"""What is explored: small scenarios with every test run, large ones by `python -m tests.model`."""

from dataclasses import replace

from tests.model.functions import (
    ALONE,
    CHILD,
    CONFIG,
    HALVED,
    INPUT,
    INSTALLED,
    KEYED,
    LISTED,
    MAKER,
    NAMED,
    OTHER,
    PARENT,
    READER,
    SHARED,
    SOMETIMES,
    TELLER,
    TWO,
    USER,
)
from tests.model.scenario import Scenario, configures, deletes, edits, makes_again, meddles

BOTH = (INPUT, OTHER)

# One worker at a time, as in one process, which drops events about versions that it has seen.
ONE_PROCESS = (
    Scenario(ALONE, (edits(PARENT, 2), deletes(PARENT), makes_again(PARENT)), 1, crashes=1, drops=True),
    Scenario(TWO, (edits(PARENT, 2), edits(INPUT, 2)), 1, crashes=1, losses=1, drops=True),
    Scenario(NAMED, (edits(PARENT, 2), edits(INPUT, 1), edits(OTHER, 1)), 1, others=BOTH, crashes=1, drops=True),
    Scenario(LISTED, (edits(PARENT, 1), edits(INPUT, 1), edits(OTHER, 1)), 1, others=BOTH, crashes=1, drops=True),
    Scenario(SHARED, (edits(PARENT, 1), configures(2), meddles(CHILD)), 1, crashes=1, drops=True),
    Scenario(KEYED, (edits(PARENT, 2), configures(2), deletes(CONFIG)), 1, crashes=1, drops=True),
    Scenario(SOMETIMES, (edits(PARENT, 2), deletes(CHILD)), 1, crashes=1, losses=1, drops=True),
    Scenario(INSTALLED, (edits(PARENT, 1), deletes(PARENT), makes_again(PARENT)), 1, crashes=1, drops=True),
)

# Functions of one process, which share what they read, and wake each other by what they write.
TOGETHER = (
    Scenario(MAKER, (edits(PARENT, 1), edits(INPUT, 1)), 1, drops=True, together=(USER, TELLER), rounds=4),
    Scenario(
        MAKER, (edits(INPUT, 1), configures(1), deletes(CHILD)), 1, crashes=1, drops=True, together=(USER,), rounds=4
    ),
    Scenario(MAKER, (edits(INPUT, 1), configures(1)), 1, crashes=1, drops=True, together=(USER, TELLER), rounds=4),
    Scenario(ALONE, (edits(PARENT, 1), meddles(CHILD)), 1, losses=1, drops=True, together=(TELLER,), rounds=4),
)
# The same in two processes: both write keys of one configuration.
BOTH_KEYS = Scenario(KEYED, (edits(INPUT, 1), edits(PARENT, 1)), together=(READER,), settled=True)

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
    Scenario(KEYED, (edits(PARENT, 2), configures(1)), crashes=1),
    Scenario(SOMETIMES, (edits(PARENT, 2), deletes(CHILD)), losses=1),
    Scenario(INSTALLED, (edits(PARENT, 1), deletes(PARENT), makes_again(PARENT))),
    BOTH_KEYS,
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
    Scenario(KEYED, (edits(PARENT, 2), configures(2)), workers=3, crashes=1),
    Scenario(KEYED, (edits(PARENT, 2), configures(1), deletes(CONFIG)), crashes=1, losses=1),
    Scenario(SOMETIMES, (edits(PARENT, 3), deletes(CHILD)), crashes=1, losses=1),
    Scenario(INSTALLED, (edits(PARENT, 1), deletes(PARENT), makes_again(PARENT)), crashes=1, losses=1),
    Scenario(
        ALONE,
        (edits(PARENT, 3), deletes(PARENT), makes_again(PARENT), meddles(CHILD)),
        1,
        crashes=1,
        losses=1,
        drops=True,
    ),
    Scenario(TWO, (edits(PARENT, 3), edits(INPUT, 3), deletes(PARENT)), 1, crashes=1, losses=1, drops=True),
    Scenario(
        NAMED, (edits(PARENT, 3), edits(INPUT, 2), edits(OTHER, 2)), 1, others=BOTH, crashes=1, losses=1, drops=True
    ),
    Scenario(
        LISTED, (edits(PARENT, 2), edits(INPUT, 2), edits(OTHER, 2)), 1, others=BOTH, crashes=1, losses=1, drops=True
    ),
    Scenario(
        SHARED, (edits(PARENT, 2), configures(3), deletes(CHILD), meddles(CHILD)), 1, crashes=1, losses=1, drops=True
    ),
    Scenario(KEYED, (edits(PARENT, 3), configures(3), deletes(CONFIG)), 1, crashes=1, losses=1, drops=True),
    Scenario(SOMETIMES, (edits(PARENT, 3), deletes(CHILD), deletes(PARENT)), 1, crashes=1, losses=1, drops=True),
    Scenario(INSTALLED, (edits(PARENT, 2), deletes(PARENT), makes_again(PARENT)), 1, crashes=1, losses=1, drops=True),
    Scenario(
        MAKER,
        (edits(PARENT, 1), edits(INPUT, 1), configures(1)),
        1,
        crashes=1,
        drops=True,
        together=(USER, TELLER),
        rounds=4,
    ),
    Scenario(
        MAKER,
        (edits(INPUT, 1), configures(1), deletes(CHILD)),
        1,
        crashes=1,
        drops=True,
        together=(USER, TELLER),
        rounds=4,
    ),
    Scenario(
        ALONE, (edits(PARENT, 2), meddles(CHILD)), 1, crashes=1, losses=1, drops=True, together=(TELLER,), rounds=4
    ),
    Scenario(MAKER, (edits(INPUT, 2),), together=(USER,)),
    Scenario(MAKER, (edits(PARENT, 1),), together=(USER,), settled=True),
    replace(BOTH_KEYS, crashes=1, losses=1),
)
