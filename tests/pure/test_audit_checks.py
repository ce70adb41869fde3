"""What the console's page for `doctor` checks: by the same code as the command."""

from datetime import UTC, datetime, timedelta
from typing import Any

from audit.answer_models import DeadLetter, DeadLetterEvent, FinishedSweep, StoreState
from audit.answers.checks import MAX_NAMED, SWEEP_LATE, Check, health
from cli.doctor import operation
from cli.doctor.check import ClusterSnapshot
from events.report import ObjectName
from runtime.objects import Manifest

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
SWEPT = FinishedSweep(time=NOW - timedelta(minutes=2), resources=7, diverging=1)


def kept(sweep: FinishedSweep | None = SWEPT) -> StoreState:
    """What the store says of itself."""
    return StoreState(reports=1, oldest=NOW, bytes=1, sweep=sweep, version="0.1.0")


def letter(minutes: int) -> DeadLetter:
    """An event that was given up so long ago."""
    about = ObjectName(api_version="sustainable-computing.io/v1alpha1", kind="Kepler", namespace="a", name="kepler")
    event = DeadLetterEvent(id="1", type="x", source="/x", object=about)
    at = NOW - timedelta(minutes=minutes)
    return DeadLetter(name=f"letter-{minutes}", time=at, destination="x", code="400", answer="no", event=event)


def checks(
    state: StoreState, letters: tuple[DeadLetter, ...] = (), *keplers: tuple[str, str, bool]
) -> tuple[Check, ...]:
    """The checks of the page."""
    return health(state, letters, keplers, now=NOW, namespace="functions").checks


def manifest(name: str, ready: str) -> Manifest:
    """A Kepler as the API server has it."""
    condition: dict[str, Any] = {"type": "Ready", "status": ready, "reason": "X", "message": "x"}
    about = {"name": name, "namespace": "a", "generation": 1, "creationTimestamp": "2026-11-25T12:00:00Z"}
    return {"kind": "Kepler", "metadata": about, "status": {"conditions": [{**condition, "observedGeneration": 1}]}}


def test_the_page_and_the_command_say_the_same() -> None:
    """Word by word, where both look."""
    letters = (letter(1), letter(9))
    keplers = (manifest("bad", "False"), manifest("good", "True"))
    seen = ClusterSnapshot(now=NOW, namespace="functions", state=kept(), letters=letters, keplers=keplers)
    command = [*operation.sweep(seen), *operation.letters(seen), *operation.resources(seen)]
    assert [*checks(kept(), letters, ("a", "bad", False), ("a", "good", True))] == command
    assert [check.level for check in command] == ["ok", "warn", "warn"]


def test_all_is_well() -> None:
    """Or there is nothing yet."""
    assert [check.level for check in checks(kept(), (), ("a", "good", True))] == ["ok", "ok", "ok"]
    assert checks(kept())[2].says == "no Kepler yet"


def test_a_sweep_that_is_late_or_was_never_is_told() -> None:
    """With where to look, in the functions' namespace."""
    late = SWEPT.model_copy(update={"time": NOW - timedelta(seconds=SWEEP_LATE + 1)})
    check = checks(kept(late))[0]
    assert check.level == "fail"
    assert check.do.startswith("kubectl -n functions describe pingsource kepler-sweep")
    assert checks(kept(None))[0].level == "warn"


def test_many_that_are_not_ready_are_counted() -> None:
    """A page stays a page with ten thousand of them."""
    many = [("a", f"kepler-{number}", False) for number in range(10_000)]
    shown = checks(kept(), (), *many)
    assert len(shown) == 2 + MAX_NAMED + 1
    assert shown[-1].says == f"{10_000 - MAX_NAMED} more Keplers are not Ready"


def test_one_of_something_is_told_in_the_singular() -> None:
    """One resource that diverged, one event, one Kepler."""
    one = kept(SWEPT.model_copy(update={"resources": 1, "diverging": 1}))
    assert checks(one)[0].says.endswith(", over 1 resource; 1 was not as it should be")
    assert checks(one, (), ("a", "good", True))[2].says == "1 Kepler, and it is Ready"
    late = [("a", f"kepler-{number}", False) for number in range(MAX_NAMED + 1)]
    assert checks(one, (), *late)[-1].says == "1 more Kepler is not Ready"
