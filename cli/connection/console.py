"""The client of `audit`'s query API; `audit.answer_models` describes its answers.

The address is given by `--console` or `KEPLER_CONSOLE`, or else read from the cluster: the status of Trigger
`kepler-audit` has the address of the function. A loopback address is used directly, any other through
`kubectl port-forward`.

Requests carry the user's own token, from the kubeconfig or its exec plugin, since what a user may see follows from
their own permissions. (Only a ServiceAccount that may create tokens of itself could get one for `AUDIENCE`.) The token
is sent to this machine, through the port-forward, or to the URL that the user names.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import urllib3
from pydantic import BaseModel, ValidationError

from audit.answer_models import API, Change, Interference, Page, StoredReport, StoreState, Summary, Trace
from cli.command_errors import CliError, Denied, Missing, RequestRefused, Unreachable
from cli.connection.cluster import Cluster, hide_token
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
    """The query API at `url`; requests are authenticated with `token`."""

    url: str
    token: str = ""

    def history(self, key: Ref, *, before: str = "", limit: int = 100) -> Page[Change]:
        """Return a page of a resource's generations, newest first."""
        return self._ask(Page[Change], "history", {**_place(key), "before": before, "limit": str(limit)})

    def interference(self, key: Ref) -> Interference:
        """Return what others change in the children of a resource."""
        return self._ask(Interference, "interference", _place(key))

    def reports(self, **selected: str) -> Page[Summary]:
        """Return a page of report summaries, newest first; the parameters are those in `audit.answer_models`."""
        return self._ask(Page[Summary], "reports", selected)

    def report(self, identity: str) -> StoredReport:
        """Return one report in full."""
        return self._ask(StoredReport, f"reports/{quote(identity)}", {})

    def trace(self, identity: str) -> Trace:
        """Return one trace in full."""
        return self._ask(Trace, f"traces/{quote(identity)}", {})

    def state(self) -> StoreState:
        """Return how much is stored, and the last sweep."""
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
            return model.model_validate_json(answer.data, extra="ignore")  # a newer version may have more fields
        except ValidationError as other:
            raise RequestRefused(
                f"what answers at {self._shown_url} is not this version's query API: {ELSEWHERE}"
            ) from other

    @property
    def _shown_url(self) -> str:
        return redact.text(self.url)

    def _wrong(self, status: int, body: bytes) -> CliError:
        detail = hide_token(self.token, _detail(body)) or f"it answered {status}"
        if status == 401:
            return Denied(f"the query API: {detail}; {NO_TOKEN}")
        return WRONG.get(status, Unreachable)(f"the query API: {detail}")


def _place(key: Ref) -> Mapping[str, str]:
    return {"kind": key.kind.name, "namespace": key.namespace, "name": key.name}


def _detail(body: bytes) -> str:
    """Return the `detail` of a problem document (RFC 9457); empty if it is none."""
    try:
        document: Any = json.loads(body)
    except ValueError:
        return ""
    return str(document.get("detail") or "") if isinstance(document, dict) else ""


@contextmanager
def console_client(cluster: Cluster, *, url: str = "", token: str = "") -> Iterator[ConsoleClient]:
    """Yield a client of the query API, for as long as the `with` lasts. Raises Unreachable, Missing or Denied."""
    # The query API has no impersonation: with the user's own token it would show what that user may see, and not what
    # the impersonated one may.
    mine = token or ("" if cluster.acts_for else cluster.token)
    address = url or _address(cluster)
    if url or loopback(address):
        yield ConsoleClient(address, mine)
        return
    with forwarded(cluster, cluster.operator_namespace, f"pod/{_pod(cluster)}", PORT) as here:
        yield ConsoleClient(here, mine)


def _address(cluster: Cluster) -> str:
    """Return the address to which Knative sends the function's events."""
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
    """Return the name of a running pod of the function."""
    place = cluster.operator_namespace
    pods = cluster.list(POD, place, labelled=f"{OF_SERVICE}={AUDIT}")
    running = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Running"]
    if not running:
        raise Unreachable(f"no pod of '{AUDIT}' runs in namespace '{place}': `kubectl kepler doctor` says more")
    return name(running[0])
