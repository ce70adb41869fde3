"""What an explanation of one resource rests on, collected before anything is concluded from it."""

from dataclasses import dataclass, field
from datetime import datetime

from audit.model import DeadLetter, Swept
from cli.parts import Installation
from runtime.objects import Manifest, Ref


@dataclass(frozen=True)
class Workload:
    """A DaemonSet or Deployment, its pods, and the Events about it."""

    object: Manifest | None = None
    pods: tuple[Manifest, ...] = ()
    events: tuple[Manifest, ...] = ()


@dataclass(frozen=True)
class Facts:
    """All that an explanation rests on. `nodes` is None where they may not be listed, `sweep` where it is unknown."""

    key: Ref
    resource: Manifest
    now: datetime
    exporter: Workload = Workload()
    server: Workload = Workload()
    nodes: tuple[Manifest, ...] | None = None
    installed: Installation = field(default_factory=Installation)
    letters: tuple[DeadLetter, ...] = ()
    sweep: Swept | None = None
    unread: tuple[str, ...] = ()

    @property
    def called(self) -> str:
        """The resource as our commands take it."""
        key = self.key
        return f"{key.name} -n {key.namespace}" if key.namespace else f"{key.kind.name}/{key.name}"
