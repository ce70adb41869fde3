"""`audit` where `ACCESS` is `token`: who asks it, with real ServiceAccounts, and what it asks the API server."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cloudevents.core.v1.event import CloudEvent
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from audit.answer_models import API
from audit.storage import entries
from audit.storage.entries import ReportEntry
from audit.storage.store import Store
from local.stack import Stack
from runtime.client import ApiResponse, Request, Transport
from runtime.settings import AUDIENCE
from tests.audit_sample import RESOURCES, edited
from tests.rights import bind, create_account, create_role, token_of

_numbers = itertools.count(1)


@dataclass
class AuditDesk:
    """The function over a database of its own, what it asked of the API server, and what it sent."""

    stack: Stack
    client: FlaskClient
    store: Store
    asked: list[Request] = field(default_factory=list)
    sent: list[CloudEvent] = field(default_factory=list)

    def get(self, path: str, token: str = "") -> TestResponse:
        """With a token, if there is one."""
        return self.client.get(f"{API}/{path}", headers={"Authorization": f"Bearer {token}"} if token else {})

    def items(self, path: str, token: str) -> list[dict[str, Any]]:
        """Of an answer that is a page."""
        answer = self.get(path, token)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = json.loads(answer.data)["items"]
        return items

    def namespaces(self, path: str, token: str) -> set[str]:
        """Of the objects that such a page is about."""
        return {entry["object"]["namespace"] for entry in self.items(path, token)}

    def replay(self, letter: str, token: str) -> int:
        """The status of asking for it to be sent again."""
        return self._ask(letter, "replay", token)

    def discard(self, letter: str, token: str) -> int:
        """The status of asking for it to be deleted."""
        return self._ask(letter, "discard", token)

    def _ask(self, letter: str, action: str, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return self.client.post(f"{API}/dead-letters/{letter}/{action}", headers=headers, json={}).status_code

    def somebody(self, *cluster: str, within: Mapping[str, str] | None = None, audience: str | None = AUDIENCE) -> str:
        """The token of a new ServiceAccount that may do this in the cluster, and that within namespaces.

        Without an audience it is one of the API server's own.
        """
        name = f"somebody-{next(_numbers)}"
        create_account(self.stack, "default", name)
        for number, rule in enumerate(cluster):
            self._grant(f"{name}-{number}", name, rule)
        for namespace, rule in (within or {}).items():
            self._grant(name, name, rule, namespace)
        return token_of(self.stack, "default", name, audience)

    def _grant(self, role: str, account: str, rule: str, namespace: str = "") -> None:
        kind = create_role(self.stack, role, rule, namespace)
        bind(self.stack, role, (kind, role), ("default", account), namespace)


def noting(send: Transport, asked: list[Request]) -> Transport:
    """A transport that remembers what went through it."""

    def noted(request: Request) -> ApiResponse:
        asked.append(request)
        return send(request)

    return noted


def elsewhere(entry: ReportEntry, namespaces: Mapping[str, str]) -> ReportEntry:
    """The same report about an object of another namespace."""
    subject = entry.parsed.object
    moved = subject.model_copy(update={"namespace": namespaces.get(subject.namespace, "")})
    report = entry.parsed.model_copy(update={"object": moved})
    event = replace(edited(RESOURCES[0], 1, report.began), id=entry.id, type=entry.type)
    return entries.report(event, report)
