"""The data that the checks use, and the comparison of an object with the one that this version generates."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from audit.answer_models import DeadLetter, StoreState
from audit.answers.checks import Check, Level
from cli.doctor import expected
from cli.doctor.expected import Overlay
from cli.explanation.function_parts import Installation
from events.report import EventPart
from runtime.objects import Manifest, Ref
from runtime.settings import NAMESPACE

# `--force-conflicts`, since a field that was edited by hand has another owner, and is to be put back.
APPLY = "kubectl apply --server-side --force-conflicts -k config/base (or your overlay of it), of this version"
INSTALL_KNATIVE = "https://knative.dev/docs/install, then " + APPLY
HEADINGS = ("CHECK", "", "WHAT", "TO DO")


class Diagnosis(EventPart):
    """All checks; `healthy` if none fails. `version` is this program's, `server` the API server's."""

    healthy: bool
    version: str
    server: str
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class ClusterSnapshot:
    """What was read from the cluster before the checks begin.

    `objects` has an entry for each object that was read (None: absent); `hidden` are those that the user may not read.
    `rights` is what the user may do; `state` is None if the query API cannot be reached. The functions' `revisions` and
    `pods`, and Knative's admission `webhooks` and `endpoints` (EndpointSlices), are None if the user may not list them.
    `tenant_bindings` are read with overlay `tenants` only, and have no entry for those that the user may not read.
    `server` is the API server's version, 'v1.33.1'. `listed_in` is the only namespace whose Keplers the user may list;
    empty for all namespaces, None for none.
    """

    now: datetime
    server: str = ""
    namespace: str = NAMESPACE
    objects: Mapping[Ref, Manifest | None] = field(default_factory=dict)
    hidden: frozenset[Ref] = frozenset()
    installed: Installation = field(default_factory=Installation)
    keplers: tuple[Manifest, ...] = ()
    listed_in: str | None = ""
    letters: tuple[DeadLetter, ...] | None = None
    state: StoreState | None = None
    rights: Mapping[str, bool] = field(default_factory=dict)
    revisions: tuple[Manifest, ...] | None = ()
    pods: tuple[Manifest, ...] | None = ()
    webhooks: tuple[Manifest, ...] | None = ()
    endpoints: tuple[Manifest, ...] | None = ()
    tenant_bindings: Mapping[Ref, Manifest | None] = field(default_factory=dict)

    def find(self, kind: str, name: str) -> Manifest | None:
        """Return an object by its kind and name, which are unique here; None if it is absent or was not read."""
        return next(
            (manifest for ref, manifest in self.objects.items() if (ref.kind.name, ref.name) == (kind, name)), None
        )

    def may_see(self, kind: str, name: str) -> bool:
        """Return whether the user may read this object."""
        return not any((ref.kind.name, ref.name) == (kind, name) for ref in self.hidden)

    @property
    def describe(self) -> str:
        """Return the command that shows an object in the functions' namespace, without kind and name."""
        return f"kubectl -n {self.namespace} describe"

    @cached_property
    def overlays(self) -> frozenset[Overlay]:
        """Return the overlays of `config/overlays` that are in use, judged by the objects."""
        return expected.in_use(
            {(ref.kind.name, ref.name): manifest for ref, manifest in self.objects.items()}, self.installed
        )

    def wanted(self, kind: str, api: str = "") -> Iterator[Manifest]:
        """Yield the objects of a kind that this version installs, given the overlays in use.

        `api` is the beginning of the API version: it distinguishes Knative's Services from those of the core group.
        """
        for overlay in expected.objects(self.namespace, self.overlays):
            if overlay["kind"] == kind and overlay["apiVersion"].startswith(api):
                yield overlay


def missing_fields(wanted: Any, there: Any, path: str = "spec") -> list[str]:
    """Return the paths of the fields of `wanted` that `there` does not have, or has with another value.

    Additional fields of `there` are defaults of the API server or of Knative. Items of lists are compared by position;
    lists of different lengths differ as a whole.
    """
    if isinstance(wanted, Mapping):
        fields = there if isinstance(there, Mapping) else {}
        below = (missing_fields(value, fields.get(key), f"{path}.{key}") for key, value in wanted.items())
        return [field for fields in below for field in fields]
    if isinstance(wanted, list) and len(wanted) == len(there or ()):
        items = enumerate(zip(wanted, there or (), strict=True))
        return [field for at, (value, actual) in items for field in missing_fields(value, actual, f"{path}[{at}]")]
    return [] if wanted == there else [path]


def some_paths(paths: list[str]) -> str:
    """Return the first paths in one line, and how many more there are."""
    return ", ".join(f"`{path}`" for path in paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def listed(names: Iterable[str]) -> str:
    """Return some names in quotes: all of them up to four, else three and how many more there are."""
    quoted = [f"'{name}'" for name in names]
    more = len(quoted) - 3 if len(quoted) > 4 else 0
    return ", ".join(quoted[:3] if more else quoted) + (f" and {more} more" if more else "")


@dataclass(frozen=True)
class Symptom:
    """A problem of a Knative object, and what to do.

    Objects with the same `cause` share one line, with `says` and `do` of the first. `ready` says that the object is
    Ready although it has the symptom.
    """

    cause: str
    says: str
    do: str
    ready: bool = False
    level: Level = "fail"


def together(area: str, kind: str, symptoms: Iterable[tuple[str, Symptom]]) -> Iterator[Check]:
    """Yield one check for each cause; it names every object of this kind that has it."""
    grouped: dict[tuple[str, bool], list[tuple[str, Symptom]]] = {}
    for called, symptom in symptoms:
        grouped.setdefault((symptom.cause, symptom.ready), []).append((called, symptom))
    for (_, ready), same in grouped.items():
        names = [called for called, _ in same]
        first = same[0][1]
        several = len(names) > 1
        subject = f"{len(names)} {kind}s ({listed(names)})" if several else f"{kind} {listed(names)}"
        state = "" if ready else " are not Ready" if several else " is not Ready"
        yield Check(area=area, level=first.level, says=f"{subject}{state}: {first.says}", do=first.do)
