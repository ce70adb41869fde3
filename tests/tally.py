"""How much a run tried: noted with each test's report, so that it adds up whichever process the test ran in."""

from collections.abc import Iterable, Iterator

import pytest

SENTENCES = {
    "faults": "faults: {tried} tried, {failed} not survived; `make faults` tries all there are",
    "campaign": "campaign: {tried} changes tried, {failed} ended wrong; `python -m tests.campaign` tries all there are",
}


def note(test: pytest.Item, subject: str, tried: int, failed: int) -> None:
    """Notes, before the test's teardown ends, how many faults or changes it tried, and how many failed."""
    test.user_properties.append((subject, [tried, failed]))


def sentences(reports: Iterable[object]) -> Iterator[str]:
    """Yield a sentence for each subject of which a test noted anything."""
    notes = [note for report in reports for note in getattr(report, "user_properties", ())]
    for subject, sentence in SENTENCES.items():
        counts = [counted for noted, counted in notes if noted == subject]
        if counts:
            yield sentence.format(tried=sum(tried for tried, _ in counts), failed=sum(failed for _, failed in counts))
