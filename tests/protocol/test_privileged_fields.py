"""Fields that decide what runs privileged need a right of their own, asked of the user; on a real API server."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from effects.field_cases import FIELDS
from installation.privileges import GUARDED, Guard
from local.layout import ROOT
from local.stack import Stack
from runtime.objects import KEPLER, Ref
from tests.campaign.full_specs import put
from tests.policies import PolicyUser, user
from tests.workbench import Workbench, create_namespace, kepler

PLACE = "privileged-fields"
REF = Ref(KEPLER, PLACE, "kepler")


@dataclass(frozen=True)
class Guarded:
    """A field that is guarded, alone or in a block, and a value that needs the right."""

    guard: Guard
    path: str
    value: Any

    def __str__(self) -> str:
        return self.path

    @property
    def steps(self) -> tuple[str, ...]:
        """The way to it below `spec`."""
        return tuple(self.path.split("."))


def guarded() -> Iterator[Guarded]:
    """Every field that a guard is about, with values of `effects.field_cases`."""
    for guard in GUARDED:
        for field in FIELDS:
            path = field.path.removeprefix("spec.")
            if field.kind == KEPLER.name and (path == guard.path or path.startswith(f"{guard.path}.")):
                yield Guarded(guard, path, _value(guard, field.after))


def _value(guard: Guard, value: Any) -> Any:
    """For a field of which some values are free, one that is not."""
    return "hostpath" if value in guard.free else value


CASES = list(guarded())
EACH = pytest.mark.parametrize("case", CASES, ids=str)
AROUND = {"model-server": {"storage": {"hostpath": {"path": "/var/lib/kepler"}}}}


@dataclass(frozen=True)
class EditorAccounts:
    """A namespace, and three who may edit Keplers there: one with the right, one without, and an administrator."""

    bench: Workbench
    plain: PolicyUser
    trusted: PolicyUser

    def there(self, spec: Mapping[str, Any]) -> None:
        """An administrator's Kepler, instead of the one before."""
        self.bench.stack.api.apply(
            "/apis/sustainable-computing.io/v1alpha1/namespaces/" + PLACE + "/keplers/kepler",
            {**kepler(), "spec": spec},
        )

    def nothing(self) -> None:
        """No Kepler is there."""
        self.bench.stack.kubectl("-n", PLACE, "delete", "keplers", "--all")


@pytest.fixture(scope="module")
def desk(control_plane: Stack) -> EditorAccounts:
    """One for all tests: they only try."""
    create_namespace(control_plane, PLACE)
    roles = ("kepler-view", "kepler-edit")
    plain = user(control_plane, PLACE, "plain", *roles)
    trusted = user(control_plane, PLACE, "trusted", *roles, "kepler-privileged")
    return EditorAccounts(Workbench(control_plane, PLACE), plain, trusted)


def wanted(case: Guarded, value: Any) -> dict[str, Any]:
    """A Kepler with this value, and what the schema wants beside it."""
    base = AROUND if case.path.endswith("storage.type") else {}
    return {**kepler(), "spec": put(base, case.steps, value)}


@EACH
def test_a_guarded_field_is_refused_without_the_right(desk: EditorAccounts, case: Guarded) -> None:
    """On creation and on change; the message names the field, the right, and the command that gives it."""
    if case.path.endswith("storage.type"):
        desk.there(AROUND)
    else:
        desk.nothing()
    for _ in range(2):
        answer = desk.plain.tries(wanted(case, case.value), REF)
        assert answer.status == 403, answer.body
        message = answer.body["message"]
        assert f"`{case.guard.path}` needs the verb 'use' on 'keplers/privileged' in namespace '{PLACE}'" in message
        assert case.guard.why in message
        assert (
            f"`kubectl create rolebinding kepler-privileged --clusterrole kepler-privileged --namespace {PLACE} "
            f"--user system:serviceaccount:{PLACE}:plain`"
        ) in message
        desk.there(AROUND if case.path.endswith("storage.type") else {})


@EACH
def test_who_has_the_right_may_set_it(desk: EditorAccounts, case: Guarded) -> None:
    """On creation and on change."""
    desk.nothing()
    for _ in range(2):
        answer = desk.trusted.tries(wanted(case, case.value), REF)
        assert answer.status in (200, 201), answer.body
        desk.there({})


@EACH
def test_what_an_administrator_set_may_stay(desk: EditorAccounts, case: Guarded) -> None:
    """The rest of the Kepler is still everybody's: its level of logging, for one."""
    desk.there(wanted(case, case.value)["spec"])
    changed = wanted(case, case.value)
    changed["spec"] = put(changed["spec"], ("collector", "log-level"), 5)
    assert desk.plain.tries(changed, REF).status == 200


@EACH
def test_a_blank_value_needs_no_right(desk: EditorAccounts, case: Guarded) -> None:
    """On creation, and to take an administrator's value away; blank as null, as an empty block, and left out."""
    blank = [{**kepler(), "spec": put({}, case.steps[:end], None)} for end in range(1, len(case.steps) + 1)]
    desk.nothing()
    for entry in (kepler(), {**kepler(), "spec": None}, *blank):
        answer = desk.plain.tries(entry, REF)
        assert answer.status == 201, answer.body
    desk.there(wanted(case, case.value)["spec"])
    patch = json.dumps({"spec": put({}, case.steps, None)})
    as_plain = ("--as", f"system:serviceaccount:{PLACE}:plain")
    if not case.path.startswith("model-server.storage.hostpath"):
        desk.bench.stack.kubectl(
            "-n", PLACE, "patch", "keplers/kepler", "--type=merge", "-p", patch, "--dry-run=server", *as_plain
        )


@pytest.mark.parametrize("value", ["local", "claim"])
def test_storage_of_the_namespace_needs_no_right(desk: EditorAccounts, value: str) -> None:
    """What is lost with the pod, and a claim."""
    desk.nothing()
    storage = {"model-server": {"enabled": True, "storage": {"type": value}}}
    assert desk.plain.tries({**kepler(), "spec": storage}, REF).status == 201


def test_the_right_is_of_one_namespace(control_plane: Stack, desk: EditorAccounts) -> None:
    """Who has it elsewhere has it not here."""
    text = f"{PLACE}-other"
    create_namespace(control_plane, text)
    for role in ("kepler-view", "kepler-edit"):
        subject = f"--serviceaccount={PLACE}:trusted"
        control_plane.kubectl("-n", text, "create", "rolebinding", role, f"--clusterrole={role}", subject)
    answer = desk.trusted.tries(kepler(collector={"image": "quay.io/x/y:1"}), Ref(KEPLER, text, "kepler"))
    assert answer.status == 403


def test_a_status_is_written_whoever_set_the_fields(desk: EditorAccounts) -> None:
    """Functions have no right to `use` anything, and need none."""
    desk.nothing()
    desk.there({"collector": {"priority-class": "system-node-critical"}})
    desk.bench.settle()
    assert desk.bench.conditions()["CollectorReconciled"]["status"] == "True"


def test_the_working_document_needs_no_right(desk: EditorAccounts) -> None:
    """Its blank values, by `kubectl apply` of either kind: `image:` asks for nothing."""
    desk.nothing()
    document = (ROOT / "config/samples/working-doc/kepler.yaml").read_text().replace("namespace: kepler-system", "")
    tries = ("-n", PLACE, "apply", "--dry-run=server", "-f", "-", "--as", f"system:serviceaccount:{PLACE}:plain")
    assert "image:" in document
    for arguments in (tries, (*tries, "--server-side")):
        desk.bench.stack.kubectl(*arguments, stdin=document)
