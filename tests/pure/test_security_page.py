"""`docs/security.md`: every claim names a test that there is."""

import re

from local.layout import ROOT

PAGE = ROOT / "docs/security.md"
NAMED = re.compile(r"`(test_[a-z0-9_]+)`")


def defined() -> set[str]:
    """The names of all tests."""
    files = (ROOT / "tests").rglob("test_*.py")
    return {name for file in files for name in re.findall(r"^def (test_[a-z0-9_]+)\(", file.read_text(), re.MULTILINE)}


def claims() -> list[str]:
    """The rows of the tables of guarantees: those that name a test."""
    section = PAGE.read_text().partition("## What is guaranteed")[2].partition("## What is not protected")[0]
    return [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| claim")]


def test_every_claim_names_a_test_that_there_is() -> None:
    """A test that was renamed or removed leaves no claim behind."""
    rows = claims()
    assert len(rows) > 30
    assert not [row for row in rows if not NAMED.search(row)]
    assert {name for row in rows for name in NAMED.findall(row)} - defined() == set()


def test_every_finding_of_the_review_is_answered() -> None:
    """Sixteen kinds of attack were tried; each is in a heading, or among what is not protected."""
    page = PAGE.read_text()
    for area in (
        "one input",
        "privileged",
        "token",
        "account",
        "Dead letters",
        "stolen",
        "Memory",
        "many objects",
        "Knative",
    ):
        assert area.lower() in page.lower(), area
