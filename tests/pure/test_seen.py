"""Which events bring news: those about versions that no finished reconcile of this process has reached."""

from dataclasses import dataclass
from typing import Any

import pytest

from events.types import RESOURCE_DELETE, RESOURCE_UPDATE
from runtime.event import Event
from runtime.objects import KEPLER, Manifest, Ref
from runtime.seen import RecentVersions, is_older

KEY = Ref(KEPLER, "energy", "kepler")
OTHER = Ref(KEPLER, "energy", "other")


def manifest(version: Any, uid: str = "u-1") -> Manifest:
    """An object in this version."""
    return {"metadata": {"uid": uid, "resourceVersion": version}}


def event(shown: Manifest, sort: str = RESOURCE_UPDATE) -> Event:
    """An event that shows the object."""
    return Event("1", sort, "/source", "", "v1", "ConfigMap", "energy", "kepler-cfm", shown, shown)


@dataclass(frozen=True)
class NewsCase:
    """An event after a reconcile that read version 20 and wrote version 100."""

    name: str
    event: Event
    is_news: bool
    key: Ref = KEY


CASES = (
    NewsCase("what was written", event(manifest("100")), is_news=False),
    NewsCase("what was read", event(manifest("20")), is_news=False),
    NewsCase("between the two", event(manifest("21")), is_news=False),
    NewsCase("before both, and not by the first digit", event(manifest("9")), is_news=False),
    NewsCase("after both", event(manifest("101")), is_news=True),
    NewsCase("another object of that name", event(manifest("21", uid="u-2")), is_news=True),
    NewsCase("a deletion", event(manifest("21"), RESOURCE_DELETE), is_news=True),
    NewsCase("another key that depends on the object", event(manifest("21")), is_news=True, key=OTHER),
    NewsCase("a version that is no number", event(manifest("abc")), is_news=True),
    NewsCase("a version of many digits", event(manifest("9" * 5_000)), is_news=True),
    NewsCase("a forged version", event(manifest({"$": 1})), is_news=True),
    NewsCase("a forged uid", event({"metadata": {"uid": {"$": 1}, "resourceVersion": "21"}}), is_news=True),
    NewsCase("no metadata", event({"metadata": None}), is_news=True),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_event_about_a_version_no_newer_than_seen_is_no_news(case: NewsCase) -> None:
    """Only for the key whose reconcile has seen it, and only for the same object."""
    versions = RecentVersions()
    versions.note(KEY, [manifest("20"), manifest("100")])

    assert versions.is_news(case.key, case.event) is case.is_news


def test_before_a_reconcile_has_finished_every_event_is_news() -> None:
    """A new process remembers nothing."""
    assert RecentVersions().is_news(KEY, event(manifest("1")))


def test_a_forgotten_version_is_news_again() -> None:
    """Memory is bounded: the object that was noted first is forgotten."""
    versions = RecentVersions(kept=2)
    versions.note(KEY, [manifest("5", uid=f"u-{number}") for number in range(3)])

    assert versions.is_news(KEY, event(manifest("5", uid="u-0")))
    assert not versions.is_news(KEY, event(manifest("5", uid="u-2")))


def test_a_key_with_very_many_objects_takes_no_room_from_others() -> None:
    """Versions of one key are bounded: the newest stay, and the versions of another key stay as well."""
    versions = RecentVersions(kept=10, kept_for_one=3)
    versions.note(OTHER, [manifest("5", uid="u-other")])
    versions.note(KEY, [manifest("5", uid=f"u-{number}") for number in range(50)])
    versions.note(KEY, [manifest("6", uid="u-47"), manifest("6", uid="u-50")])

    kept = [number for number in range(51) if not versions.is_news(KEY, event(manifest("5", uid=f"u-{number}")))]
    assert kept == [47, 49, 50]
    assert not versions.is_news(OTHER, event(manifest("5", uid="u-other")))


def test_the_key_that_was_noted_first_is_forgotten_first() -> None:
    """The bound counts versions and keys together."""
    keys = [Ref(KEPLER, "energy", f"kepler-{number}") for number in range(5)]
    versions = RecentVersions(kept=9)
    for key in keys:
        versions.note(key, [manifest("5", uid=f"{key.name}-{number}") for number in range(2)])

    kept = [key.name for key in keys if not versions.is_news(key, event(manifest("5", uid=f"{key.name}-0")))]
    assert kept == ["kepler-2", "kepler-3", "kepler-4"]


def test_keys_without_versions_are_bounded_as_well() -> None:
    """A reconcile of a Kepler that does not exist may read no object at all."""
    versions = RecentVersions(kept=10)
    for number in range(50):
        versions.note(Ref(KEPLER, "energy", f"kepler-{number}"), [])
    assert len(versions._newest) == 10


@pytest.mark.parametrize(
    ("first", "second", "older"),
    [
        ("9", "10", True),
        ("10", "9", False),
        ("10", "10", False),
        ("a", "b", False),
        ("", "1", False),
        ("٣", "4", False),
    ],
)
def test_versions_are_compared_as_numbers(first: str, second: str, older: bool) -> None:  # noqa: FBT001 - a case
    """Where both are decimal numbers in ASCII; others cannot be compared."""
    assert is_older(first, second) is older
