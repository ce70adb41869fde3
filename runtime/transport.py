"""The official Kubernetes client, used untyped: one pooled `ApiClient` a process.

In a cluster it takes the pod's ServiceAccount (and follows its token as it rotates); elsewhere `KUBECONFIG`.
"""

import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence

import urllib3.exceptions
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.incluster_config import load_incluster_config
from kubernetes.config.kube_config import load_kube_config
from urllib3 import HTTPHeaderDict

from runtime import trust
from runtime.client import APPLY, ApiResponse, Request, Transport
from runtime.errors import Misconfigured
from runtime.objects import Manifest

# A `Retry-After` beyond this is not one of the API server's; it sends whole seconds, usually 1 (RFC 9110, 10.2.3).
MOST_SECONDS = 3600
# The `reason` of an answer that did not come because the connection is not secure; `cause` says why.
UNTRUSTED = "Untrusted"
# A character beyond the first 65,536 as `json` escapes it; an escaped backslash before is no part of it.
PAIR = re.compile(r"\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")


def connect(environment: Mapping[str, str], *, user_agent: str, connections: int = 16) -> Transport:
    """A transport to the API server that the environment names.

    Raises Misconfigured where there is neither a pod's ServiceAccount nor a readable kubeconfig.
    """
    return through(configuration(environment), user_agent=user_agent, connections=connections)


def through(
    configured: Configuration,
    *,
    user_agent: str,
    connections: int = 16,
    headers: Sequence[tuple[str, str]] = (),
) -> Transport:
    """A transport to the API server of a configuration; each request has `headers`, several of a name as several."""
    configured.retries = False  # repeating is `runtime.client`'s decision, and is recorded there
    configured.connection_pool_maxsize = connections
    client = ApiClient(configured)
    client.rest_client.pool_manager.connection_pool_kw["ssl_context"] = trust.api_server(configured)
    client.user_agent = user_agent

    def send(request: Request) -> ApiResponse:
        return _send(client, request, headers)

    return send


def at_first_use(connected: Callable[[], Transport]) -> Transport:
    """Return a transport that is made when it is first used: what needs no API server starts without one."""
    made = functools.cache(connected)

    def send(request: Request) -> ApiResponse:
        return made()(request)

    return send


def configuration(environment: Mapping[str, str]) -> Configuration:
    """Where the API server is and who we are there.

    Raises Misconfigured as `connect` does.
    """
    configuration = Configuration()
    try:
        if "KUBERNETES_SERVICE_HOST" in environment and "KUBECONFIG" not in environment:
            load_incluster_config(client_configuration=configuration)
        else:
            load_kube_config(environment.get("KUBECONFIG"), client_configuration=configuration)
    except (ConfigException, OSError) as wrong:
        raise Misconfigured(
            f"no API server to talk to ({wrong}): run in a pod with a ServiceAccount, or set `KUBECONFIG` to a "
            "readable file"
        ) from wrong
    return configuration


def _send(client: ApiClient, request: Request, headers: Sequence[tuple[str, str]]) -> ApiResponse:
    method, url, sent, body, posted = client.param_serialize(
        request.method,
        request.path,
        query_params=list(request.query.items()),
        header_params={"Accept": request.accept, "Content-Type": request.content_type},
        body=_yaml(request.body) if request.content_type == APPLY else request.body,
        auth_settings=["BearerToken"],
    )
    try:
        timeout = (request.connect, request.read)
        response = client.call_api(method, url, _with(headers, sent), body, posted, _request_timeout=timeout)
        content = response.read()
    except ApiException as untrusted:  # raised by the client for nothing but a failure of TLS
        return _unanswered(request, untrusted.reason, UNTRUSTED)
    except (urllib3.exceptions.HTTPError, OSError) as lost:
        return _unanswered(request, lost)
    return ApiResponse(response.status, _decoded(content), _seconds(response.headers.get("Retry-After")))


def _with(headers: Sequence[tuple[str, str]], sent: Mapping[str, str]) -> Mapping[str, str]:
    """Return a request's headers with these added; several of one name stay several."""
    if not headers:
        return sent
    added = HTTPHeaderDict(sent)
    for name, value in headers:
        added.add(name, value)
    return added


def _unanswered(request: Request, why: object, reason: str = "") -> ApiResponse:
    message = f"the API server did not answer {request.method} {request.path}: {why}"
    return ApiResponse(0, {"message": message, "reason": reason, "cause": str(why)})


def _yaml(body: Manifest | None) -> str:
    """Return JSON that is YAML as well: YAML has no pairs of surrogates, which `json` writes for '🚫'.

    The API server reads an apply as YAML, and refuses those with 400; all else that YAML does not print stays escaped.
    """
    written = json.dumps(body)
    return PAIR.sub(lambda pair: json.loads(f'"{pair[0]}"') if pair[0].startswith("\\u") else pair[0], written)


def _seconds(header: str | None) -> float:
    """Return the seconds of a `Retry-After`; 0 for one that is missing, or is a date."""
    return float(min(int(header[:9]), MOST_SECONDS)) if header and header.isascii() and header.isdigit() else 0.0


def _decoded(content: bytes) -> dict[str, object]:
    """The JSON object in the body; anything else (a proxy's error page) becomes its message."""
    try:
        decoded = json.loads(content)
    except ValueError:
        decoded = None
    return decoded if isinstance(decoded, dict) else {"message": content[:200].decode(errors="replace")}
