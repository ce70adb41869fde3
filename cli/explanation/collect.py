"""Collects the facts for an explanation or a check. An object that the user may not read is noted; that is no error."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import urllib3

from audit.answer_models import DeadLetter, Fight, ForeignField, StoreState
from audit.answers import foreign
from audit.answers.dead_letter_answers import letters
from cli.command_errors import CliError, Missing
from cli.connection.cluster import Cluster
from cli.connection.console import console_client
from cli.dead_letter_rows import about
from cli.explanation.facts import ChildFacts, Facts, Workload
from cli.explanation.function_parts import Installation, Parts, loopback
from cli.kinds import KNATIVE_SERVICE, POD, RECONCILED_KINDS, TRIGGER, title
from dead_letters.dead_letter import LABEL
from functions.function_catalogue import FUNCTIONS
from operands import children
from runtime.adoption import adopter
from runtime.declaration import manager, writers
from runtime.envelope import object_name
from runtime.errors import Forbidden, NotFound
from runtime.objects import CONFIG_MAP, EVENT, KEPLER, NODE, Kind, Manifest, Ref, controller, name, uid
from runtime.settings import COMPACT

READINESS = "health/readiness"
READINESS_TIMEOUT = 2.0

Item = TypeVar("Item")


@dataclass
class FactReader:
    """Reads what the user may read; `unread` names the rest."""

    cluster: Cluster
    unread: list[str] = field(default_factory=list)

    def facts(self, key: Ref, resource: Manifest, *, console: str = "", token: str = "") -> Facts:
        """Return the facts that explain one resource."""
        exporter, server = children.daemon_set(key), children.deployment(key)
        workloads = key.kind == KEPLER
        state, fights = self._audit_facts(key, console, token)
        return Facts(
            key=key,
            resource=resource,
            now=datetime.now(UTC),
            exporter=self._workload(exporter, resource) if workloads else Workload(),
            server=self._workload(server, resource) if workloads else Workload(),
            nodes=self.listed(NODE) if workloads else None,
            installed=self.installation(),
            letters=about(self.letters() or (), key),
            sweep=state.sweep if state else None,
            foreign=self.foreign(key),
            fights=fights,
            unread=tuple(self.unread),
        )

    def installation(self) -> Installation:
        """Return the functions' Triggers and Knative Services, and whether processes on this machine are ready."""
        namespace = self.cluster.operator_namespace
        try:
            triggers = self.cluster.known(TRIGGER, namespace)
            services = self.cluster.known(KNATIVE_SERVICE, namespace)
        except Forbidden:
            self._note_unread(f"Triggers and Knative Services in namespace '{namespace}'")
            return Installation(namespace=namespace, readable=False)
        by_name = {name(service): service for service in services or ()}
        by_function = {name(trigger): Parts(trigger, None, services is not None) for trigger in triggers or ()}
        for called in {*by_function, *by_name}:
            trigger = by_function[called].trigger if called in by_function else None
            parts = Parts(trigger, by_name.get(called), services is not None)
            by_function[called] = Parts(trigger, parts.service, parts.serving, self._is_ready(parts))
        # In `config/overlays/compact` one Trigger and one Service are those of all functions that reconcile.
        shared = by_function.get(manager(COMPACT))
        of_all = {function.manager: shared for function in FUNCTIONS} if shared else {}
        return Installation(namespace=namespace, eventing=triggers is not None, parts={**of_all, **by_function})

    def letters(self) -> tuple[DeadLetter, ...] | None:
        """Return all dead letters, newest first; None if they may not be listed."""
        config_maps = self.listed(CONFIG_MAP, self.cluster.operator_namespace, labelled=LABEL, metadata_only=True)
        return None if config_maps is None else letters(config_maps)

    def child(self, ref: Ref, *, console: str = "", token: str = "") -> ChildFacts:
        """Return the facts that explain one object that functions write.

        Raises Missing if it does not exist, or belongs to no resource of ours.
        """
        child = self.cluster.get(ref)
        if child is None:
            raise Missing(f"there is no {title(ref)}")
        owner = controller(child) or adopter(child)
        kind = next((kind for kind in RECONCILED_KINDS if owner and kind.name == owner.kind), None)
        if owner is None or kind is None:
            raise Missing(f"{title(ref)} belongs to no Kepler: the functions have not created it")
        parent = Ref(kind, ref.namespace if kind.namespaced else "", owner.name)
        state, fights = self._audit_facts(parent, console, token)
        about = object_name(ref)
        return ChildFacts(
            ref,
            child,
            parent,
            foreign.foreign(ref, child, writers(FUNCTIONS, parent).get(ref, frozenset())),
            tuple(fight for fight in fights if fight.object == about),
            account=state is not None,
        )

    def foreign(self, key: Ref) -> tuple[ForeignField, ...]:
        """Return the fields of a resource's children that others own, for the children that the user may read."""
        objects = ((ref, self.get(ref), ours) for ref, ours in writers(FUNCTIONS, key).items())
        return tuple(foreign.children(key, objects))

    def _audit_facts(self, key: Ref, console: str, token: str) -> tuple[StoreState | None, tuple[Fight, ...]]:
        """Return the query API's state, None if it does not answer, and the fights over a resource's children."""
        state = None
        try:
            with console_client(self.cluster, url=console, token=token) as query_api:
                state = query_api.state()
                return state, query_api.interference(key).fights
        except (CliError, Forbidden, NotFound):
            return state, ()

    def state(self, console: str, token: str) -> StoreState | None:
        """Return the query API's state; None if it cannot be reached, which does not affect the other facts."""
        try:
            with console_client(self.cluster, url=console, token=token) as query_api:
                return query_api.state()
        except (CliError, Forbidden, NotFound):
            return None

    def listed(
        self, kind: Kind, namespace: str = "", *, labelled: str = "", metadata_only: bool = False
    ) -> tuple[Manifest, ...] | None:
        """Return the objects of a kind; None if they may not be listed."""
        where = f" in namespace '{namespace}'" if namespace else ""

        def read() -> tuple[Manifest, ...]:
            return self.cluster.known(kind, namespace, labelled=labelled, metadata_only=metadata_only) or ()

        return self._allowed(read, f"{kind.plural}{where}")

    def get(self, ref: Ref) -> Manifest | None:
        """Return one object; None if it does not exist, or may not be read."""
        return self._allowed(lambda: self.cluster.get(ref), f"{ref.kind.plural}/{ref.name}")

    def _workload(self, ref: Ref, parent: Manifest) -> Workload:
        """Return a DaemonSet or Deployment with its pods and its events; empty if the user may not read it."""
        manifest = self.get(ref)
        if manifest is None:
            return Workload()
        selector = children.selector(parent, ref.name)
        labels = ",".join(f"{key}={value}" for key, value in selector.items())
        pods = self.listed(POD, ref.namespace, labelled=labels) or ()
        events = self.listed(EVENT, ref.namespace) or ()
        about = tuple(event for event in events if (event.get("involvedObject") or {}).get("uid") == uid(manifest))
        return Workload(manifest, pods, about)

    def _allowed(self, read: Callable[[], Item], described: str) -> Item | None:
        """Return what `read` returns; None if it is forbidden, which is noted."""
        try:
            return read()
        except Forbidden:
            self._note_unread(described)
            return None

    def _note_unread(self, described: str) -> None:
        if described not in self.unread:
            self.unread.append(described)

    @staticmethod
    def _is_ready(parts: Parts) -> bool | None:
        """Return whether a process on this machine is ready; None for a function that is not a process here."""
        if parts.service is not None or not loopback(parts.address):
            return None
        try:
            answer = urllib3.request(
                "GET", f"{parts.address.rstrip('/')}/{READINESS}", timeout=READINESS_TIMEOUT, retries=False
            )
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 200
