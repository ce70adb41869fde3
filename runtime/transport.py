"""Transport by the official Kubernetes client, used untyped: one pooled `ApiClient` for each process.

In a cluster it uses the pod's ServiceAccount (and follows its token as it rotates); elsewhere `KUBECONFIG`.
"""

import functools
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence

import urllib3.exceptions
from urllib3 import HTTPHeaderDict

from runtime import trust
from runtime.client import APPLY, ApiResponse, Request, Transport
from runtime.errors import Misconfigured
from runtime.kubernetes_client import (
    ApiClient,
    ApiException,
    ConfigException,
    Configuration,
    load_incluster_config,
)
from runtime.objects import Manifest

# Upper limit for `Retry-After`; the API server sends whole seconds, usually 1 (RFC 9110, 10.2.3).
MOST_SECONDS = 3600
# Seconds between two looks whether credentials have to be renewed.
REFRESH = 10.0
# The `reason` of a missing answer if the connection is not secure; `cause` says why.
UNTRUSTED = "Untrusted"
# A character beyond the first 65,536 as `json` escapes it, or an escaped backslash, which must not be part of one.
PAIR = re.compile(r"\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")


def connect(environment: Mapping[str, str], *, user_agent: str, connections: int = 16) -> Transport:
    """Return a transport to the API server that the environment names.

    Raises Misconfigured if there is neither a pod's ServiceAccount nor a readable kubeconfig.
    """
    return through(configuration(environment), user_agent=user_agent, connections=connections)


def through(
    configured: Configuration,
    *,
    user_agent: str,
    connections: int = 16,
    headers: Sequence[tuple[str, str]] = (),
) -> Transport:
    """Return a transport to a configuration's API server; each request has `headers`, in which names may repeat."""
    if hook := configured.refresh_api_key_hook:
        configured.refresh_api_key_hook = _at_times(hook)
    configured.retries = False  # repeating is `runtime.client`'s decision, and is recorded there
    configured.connection_pool_maxsize = connections
    client = ApiClient(configured)
    client.rest_client.pool_manager.connection_pool_kw["ssl_context"] = trust.api_server(configured)
    client.user_agent = user_agent

    def send(request: Request) -> ApiResponse:
        return _send(client, request, headers)

    return send


def _at_times(refresh: Callable[[Configuration], None]) -> Callable[[Configuration], None]:
    """Return a hook that refreshes credentials, but looks no more often than `REFRESH` says.

    The client calls the hook before each request. That of a kubeconfig sets the host each time, which reads the proxies
    out of the environment: 0.2 ms. Both hooks of the client renew a token a minute or more before it expires, and put
    themselves into the configuration again (kubernetes v37, `config/kube_config.py`, `_set_config`).
    """
    due = 0.0

    def refreshed(configured: Configuration) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + REFRESH
            refresh(configured)
            configured.refresh_api_key_hook = refreshed  # type: ignore[assignment]  # annotated as None upstream

    return refreshed


def at_first_use(connected: Callable[[], Transport]) -> Transport:
    """Return a transport that connects when it is first used: a process that needs no API server starts without one."""
    made = functools.cache(connected)

    def send(request: Request) -> ApiResponse:
        return made()(request)

    return send


def configuration(environment: Mapping[str, str]) -> Configuration:
    """Return the API server's address and our credentials.

    Raises Misconfigured as `connect` does.
    """
    configuration = Configuration()
    try:
        if "KUBERNETES_SERVICE_HOST" in environment and "KUBECONFIG" not in environment:
            load_incluster_config(client_configuration=configuration)
        else:
            # Needs requests and oauthlib, which no process in a cluster loads.
            from kubernetes.config.kube_config import load_kube_config  # noqa: PLC0415

            load_kube_config(environment.get("KUBECONFIG"), client_configuration=configuration)
    except (ConfigException, OSError) as wrong:
        raise Misconfigured(
            f"no API server to talk to ({wrong}): run in a pod with a ServiceAccount, or set `KUBECONFIG` to a "
            "readable file"
        ) from wrong
    return configuration


def _send(client: ApiClient, request: Request, headers: Sequence[tuple[str, str]]) -> ApiResponse:
    try:
        method, url, sent, body, posted = client.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query.items()),
            header_params={"Accept": request.accept, "Content-Type": request.content_type},
            body=_yaml(request.body) if request.content_type == APPLY else request.body,
            auth_settings=["BearerToken"],  # reads the token anew
        )
        timeout = (request.connect, request.read)
        response = client.call_api(method, url, _with(headers, sent), body, posted, _request_timeout=timeout)
        content = response.read()
    except ApiException as untrusted:  # raised by the client for nothing but a failure of TLS
        return _unanswered(request, untrusted.reason, UNTRUSTED)
    except (urllib3.exceptions.HTTPError, ConfigException, OSError) as lost:
        return _unanswered(request, lost)
    return ApiResponse(response.status, _decoded(content), _seconds(response.headers.get("Retry-After")))


def _with(headers: Sequence[tuple[str, str]], sent: Mapping[str, str]) -> Mapping[str, str]:
    """Return a request's headers with these added; repeated names stay separate headers."""
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
    """Return JSON that is also YAML: YAML has no surrogate pairs, which `json` writes for '🚫'.

    The API server reads an apply as YAML, and refuses surrogate pairs with 400. All other non-ASCII stays escaped.
    """
    written = json.dumps(body)
    return PAIR.sub(lambda pair: json.loads(f'"{pair[0]}"') if pair[0].startswith("\\u") else pair[0], written)


def _seconds(header: str | None) -> float:
    """Return the seconds of a `Retry-After`; 0 if it is missing, or a date."""
    return float(min(int(header[:9]), MOST_SECONDS)) if header and header.isascii() and header.isdigit() else 0.0


def _decoded(content: bytes) -> dict[str, object]:
    """Return the JSON object in the body; anything else (a proxy's error page) becomes its message."""
    try:
        decoded = json.loads(content)
    except ValueError:
        decoded = None
    return decoded if isinstance(decoded, dict) else {"message": content[:200].decode(errors="replace")}
