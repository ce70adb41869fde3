"""The query API of `audit`: found, reached, asked, and understood. `audit.answer_models` says what it answers.

It is found by `--console` or `KEPLER_CONSOLE`, or else by way of the cluster: Trigger `kepler-audit` knows where the
function is. If that is on this machine it is asked directly, else through `kubectl port-forward`.

It is asked with the user's own token, as the kubeconfig or its exec plugin gives it: what may be seen follows from the
user's own permissions, and to make a token for `AUDIENCE` a user would have to be a ServiceAccount, and be allowed to
create tokens of it. The token goes to this machine, through the port-forward, or to the URL that the user names.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import urllib3
from pydantic import BaseModel, ValidationError

from audit.answer_models import API, Change, Interference, Kept, Page, StoreState, Summary, Trace
from cli.command_errors import CliError, Denied, Missing, RequestRefused, Unreachable
from cli.connection.cluster import Cluster, without
from cli.connection.forward import forwarded
from cli.explanation.function_parts import OTHER_NAMESPACE, loopback
from cli.kinds import POD, TRIGGER
from runtime import redact
from runtime.declaration import manager
from runtime.objects import Manifest, Ref, name
from runtime.settings import AUDIENCE

AUDIT = manager("audit")
# Set by Knative Serving on the pods of a Service.
OF_SERVICE = "serving.knative.dev/service"
PORT = 8080  # where Knative has a container listen
TIMEOUT = urllib3.Timeout(connect=3.0, read=30.0)
ELSEWHERE = "name its URL by --console or KEPLER_CONSOLE"
NO_TOKEN = (
    "a client certificate is no bearer token: use --token $(kubectl create token SERVICEACCOUNT "
    f"--audience {AUDIENCE}) of a ServiceAccount that may `get keplers`"
)
WRONG = {401: Denied, 403: Denied, 404: Missing, 400: RequestRefused}

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True)
class ConsoleClient:
    """The query API at `url`, asked as whoever `token` stands for."""

    url: str
    token: str = ""

    def history(self, key: Ref, *, before: str = "", limit: int = 100) -> Page[Change]:
        """Generations of a resource, newest first."""
        return self._ask(Page[Change], "history", {**_place(key), "before": before, "limit": str(limit)})

    def interference(self, key: Ref) -> Interference:
        """What others do to the children of a resource."""
        return self._ask(Interference, "interference", _place(key))

    def reports(self, **selected: str) -> Page[Summary]:
        """Reports in short, newest first; parameters as `audit.answer_models` has them."""
        return self._ask(Page[Summary], "reports", selected)

    def report(self, identity: str) -> Kept:
        """One report in full."""
        return self._ask(Kept, f"reports/{quote(identity)}", {})

    def trace(self, identity: str) -> Trace:
        """One change in full."""
        return self._ask(Trace, f"traces/{quote(identity)}", {})

    def state(self) -> StoreState:
        """What is kept, and the last sweep."""
        return self._ask(StoreState, "state", {})

    def _ask(self, model: type[Answer], path: str, selected: Mapping[str, str]) -> Answer:
        query = urlencode({name: value for name, value in selected.items() if value})
        headers = {"Accept": "application/json", **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        url = f"{self.url.rstrip('/')}{API}/{path}{f'?{query}' if query else ''}"
        try:
            answer = urllib3.request("GET", url, headers=headers, timeout=TIMEOUT, retries=False)
        except urllib3.exceptions.HTTPError as lost:
            raise Unreachable(f"the query API at {self._shown_url} does not answer: start it, or {ELSEWHERE}") from lost
        except ValueError:  # http.client quotes the header that it refuses
            raise Denied(f"the token cannot be sent to the query API at {self._shown_url}: is it whole?") from None
        if answer.status != 200:
            raise self._wrong(answer.status, answer.data)
        try:
            return model.model_validate_json(answer.data, extra="ignore")  # a newer one says more
        except ValidationError as other:
            raise RequestRefused(
                f"what answers at {self._shown_url} is not this version's query API: {ELSEWHERE}"
            ) from other

    @property
    def _shown_url(self) -> str:
        return redact.text(self.url)

    def _wrong(self, status: int, body: bytes) -> CliError:
        detail = without(self.token, _detail(body)) or f"it answered {status}"
        if status == 401:
            return Denied(f"the query API: {detail}; {NO_TOKEN}")
        return WRONG.get(status, Unreachable)(f"the query API: {detail}")


def _place(key: Ref) -> Mapping[str, str]:
    return {"kind": key.kind.name, "namespace": key.namespace, "name": key.name}


def _detail(body: bytes) -> str:
    """What a problem document (RFC 9457) says to do."""
    try:
        document: Any = json.loads(body)
    except ValueError:
        return ""
    return str(document.get("detail") or "") if isinstance(document, dict) else ""


@contextmanager
def reached(cluster: Cluster, *, url: str = "", token: str = "") -> Iterator[ConsoleClient]:
    """The query API, for as long as the `with` lasts; raises Unreachable, Missing or Denied with what to do."""
    # The query API knows no impersonation: with our own token it would show what we may see, and not what they may.
    mine = token or ("" if cluster.acts_for else cluster.token)
    address = url or _address(cluster)
    if url or loopback(address):
        yield ConsoleClient(address, mine)
        return
    with forwarded(cluster, cluster.operator_namespace, f"pod/{_pod(cluster)}", PORT) as here:
        yield ConsoleClient(here, mine)


def _address(cluster: Cluster) -> str:
    """Where Knative sends the function's events to."""
    place = cluster.operator_namespace
    trigger: Manifest | None = cluster.get(Ref(TRIGGER, place, AUDIT))
    if trigger is None:
        raise Missing(
            f"there is no Trigger '{AUDIT}' in namespace '{place}': apply `config/`, {OTHER_NAMESPACE}, or {ELSEWHERE}"
        )
    address = str((trigger.get("status") or {}).get("subscriberUri") or "")
    if not address:
        raise Unreachable(f"Trigger '{AUDIT}' does not say where the function is: `kubectl kepler doctor` says more")
    return address


def _pod(cluster: Cluster) -> str:
    """A pod of the function that runs."""
    place = cluster.operator_namespace
    pods = cluster.list(POD, place, labelled=f"{OF_SERVICE}={AUDIT}")
    running = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Running"]
    if not running:
        raise Unreachable(f"no pod of '{AUDIT}' runs in namespace '{place}': `kubectl kepler doctor` says more")
    return name(running[0])
