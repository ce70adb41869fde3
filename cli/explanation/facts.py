"""The facts that an explanation of one resource is based on."""

from dataclasses import dataclass, field
from datetime import datetime

from audit.answer_models import DeadLetter, Fight, FinishedSweep, ForeignField
from cli.explanation.function_parts import Installation
from runtime.objects import Manifest, Ref


@dataclass(frozen=True)
class Workload:
    """A DaemonSet or Deployment, its pods, and the Events about it."""

    object: Manifest | None = None
    pods: tuple[Manifest, ...] = ()
    events: tuple[Manifest, ...] = ()


@dataclass(frozen=True)
class Facts:
    """All facts about a resource. `nodes` is None if they may not be listed, `sweep` if it is unknown.

    `foreign` are the fields of the children that others own, `fights` those that a function puts back again and again.
    """

    key: Ref
    resource: Manifest
    now: datetime
    exporter: Workload = Workload()
    server: Workload = Workload()
    nodes: tuple[Manifest, ...] | None = None
    installed: Installation = field(default_factory=Installation)
    letters: tuple[DeadLetter, ...] = ()
    sweep: FinishedSweep | None = None
    foreign: tuple[ForeignField, ...] = ()
    fights: tuple[Fight, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def called(self) -> str:
        """Return the resource as arguments of our commands."""
        key = self.key
        return f"{key.name} -n {key.namespace}" if key.namespace else f"{key.kind.name}/{key.name}"


@dataclass(frozen=True)
class ChildFacts:
    """All facts about a child. `parent` is the resource that it belongs to.

    `account` says whether the query API answered; if not, `fights` are unknown.
    """

    ref: Ref
    object: Manifest
    parent: Ref
    foreign: tuple[ForeignField, ...] = ()
    fights: tuple[Fight, ...] = ()
    account: bool = False
