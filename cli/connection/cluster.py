"""The API server as the user at the terminal reaches it: by his kubeconfig, and with his own permissions.

Reads are those of `runtime.client`; what it does not have is here: the dry run of an apply, the question what the user
may do, and where in the cluster he is.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import urllib3
from kubernetes.client.configuration import Configuration

from cli.command_errors import Denied, Missing, Unreachable
from cli.connection import kubeconfig, login
from cli.kinds import title
from runtime.client import APPLY, ApiResponse, Client, Request, Transport, checked_body, path
from runtime.errors import Misconfigured, NotFound
from runtime.known_secrets import KnownSecrets
from runtime.objects import Collection, Kind, Manifest, Ref
from runtime.settings import NAMESPACE, VERSION
from runtime.transport import UNTRUSTED, configuration, through

DEFAULT_NAMESPACE = "default"
# Where a pod finds its API server, and which namespace it is in.
IN_POD = "KUBERNETES_SERVICE_HOST"
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
# What Python says around OpenSSL's own words: 'SSLError [SSL: NAME] ... (_ssl.c:1006)'.
OPENSSL = re.compile(r"^SSLError\s+(\[SSL: \w+\] )?|\s*\(_ssl\.c:\d+\)|\s+$")
# How many requests one command may have under way at once.
CONNECTIONS = 8
DRY_RUN = {"dryRun": "All", "fieldValidation": "Strict"}
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True)
class ClusterTarget:
    """Which cluster, where in it and as whom, by flags and environment; empty means kubectl's own default, or ours."""

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""
    operator_namespace: str = ""
    impersonation: login.Impersonation = field(default_factory=login.Impersonation)

    @property
    def kubectl(self) -> tuple[str, ...]:
        """The flags by which kubectl goes to the same cluster."""
        flags = {"--kubeconfig": self.kubeconfig, "--context": self.context}
        given = tuple(f"{flag}={value}" for flag, value in flags.items() if value)
        return (*given, *self.impersonation.flags)


@dataclass(frozen=True)
class Cluster:
    """One cluster; `token` is the user's, empty where he has none (a client certificate, for instance).

    `acts_for` is the user on whose behalf requests are made; empty if they are the user's own.
    """

    transport: Transport
    place: ClusterTarget
    namespace: str
    token: str = ""
    acts_for: str = ""

    @property
    def operator_namespace(self) -> str:
        """The namespace of the functions: where their Broker, Triggers, Knative Services and dead letters are."""
        return self.place.operator_namespace or NAMESPACE

    def without_token(self, text: str) -> str:
        """Return a server's message with `(hidden)` for the user's token, which a proxy may repeat."""
        return without(self.token, text)

    @cached_property
    def client(self) -> Client:
        """Reads and deletes; it applies nothing here, so its field manager is of no consequence."""
        return Client(self.transport, manager="kubectl-kepler")

    def get(self, ref: Ref) -> Manifest | None:
        """The object, or None."""
        return self.client.get(ref)

    def need(self, ref: Ref) -> Manifest:
        """The object; raises Missing where there is none."""
        manifest = self.get(ref)
        if manifest is None:
            raise Missing(f"there is no {title(ref)}: `kubectl kepler status -A` lists what there is")
        return manifest

    def list(
        self, kind: Kind, namespace: str = "", *, labelled: str = "", metadata_only: bool = False
    ) -> tuple[Manifest, ...]:
        """All objects of a kind, in a namespace or everywhere; raises NotFound where the kind is not served."""
        where = Collection(kind, namespace)
        return tuple(self.client.list(where, labelled=labelled, metadata_only=metadata_only))

    def known(
        self, kind: Kind, namespace: str = "", *, labelled: str = "", metadata_only: bool = False
    ) -> tuple[Manifest, ...] | None:
        """List objects of a kind; None where the API server does not serve it."""
        try:
            return self.list(kind, namespace, labelled=labelled, metadata_only=metadata_only)
        except NotFound:
            return None

    def delete(self, ref: Ref, over: Manifest) -> None:
        """Deletes the version that was read, and no other; raises Conflict where there is another by now."""
        self.client.delete(ref, over=over)

    def rehearse(self, ref: Ref, body: Manifest, *, manager: str, content_type: str) -> Manifest:
        """The object as a patch would leave it; nothing is written (dryRun=All). Raises ApiErrors as a write does."""
        force = {"force": "true"} if content_type == APPLY else {}
        query = {**DRY_RUN, "fieldManager": manager, **force}
        return self._ask(Request("PATCH", path(ref.kind, ref.namespace, ref.name), query, body, content_type))

    def rehearse_creation(self, ref: Ref, body: Manifest, *, manager: str) -> Manifest:
        """The object as it would be made; nothing is."""
        query = {**DRY_RUN, "fieldManager": manager}
        return self._ask(Request("POST", path(ref.kind, ref.namespace), query, body))

    def may(self, verb: str, kind: Kind, namespace: str = "", subresource: str = "") -> bool:
        """Whether the API server would let the user do this."""
        attributes = {
            "verb": verb,
            "group": kind.group,
            "resource": kind.plural,
            **({"subresource": subresource} if subresource else {}),
            **({"namespace": namespace} if namespace else {}),
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        return bool((self._ask(Request("POST", REVIEWS, body=body)).get("status") or {}).get("allowed"))

    def version(self) -> str:
        """The API server's own."""
        return str(self._ask(Request("GET", "/version")).get("gitVersion", ""))

    def _ask(self, request: Request) -> Manifest:
        return checked_body(request, self.transport(request))


def connect(place: ClusterTarget, environment: Mapping[str, str]) -> Cluster:
    """The cluster that the flags, or else the environment, name; raises Unreachable where there is none."""
    context = kubeconfig.choose(place.kubeconfig, place.context, environment)
    where = os.pathsep.join(kubeconfig.files(place.kubeconfig, environment))
    try:
        configured = login.configured(context) if context else _in_cluster(environment, where)
        acting = place.impersonation.over(context.user if context else {})
        headers = tuple(acting.headers())
    except (AttributeError, TypeError, ValueError) as wrong:  # these messages may quote the file
        raise kubeconfig.malformed(where, wrong) from None
    if not configured.verify_ssl:  # as the kubeconfig wants it: kubectl says nothing, either
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    send = through(configured, user_agent=f"kubectl-kepler/{VERSION}", connections=CONNECTIONS, headers=headers)
    token = str((configured.api_key or {}).get("BearerToken") or "").removeprefix("Bearer ")
    transport = _decisive(send, str(configured.host), token)
    namespace = place.namespace or (context.namespace if context else _own_namespace()) or DEFAULT_NAMESPACE
    return Cluster(transport, place, namespace, token, acts_for=acting.user)


def _in_cluster(environment: Mapping[str, str], where: str) -> Configuration:
    """How a pod reaches its own API server; where this is none, no file says which cluster is meant."""
    pod = {name: value for name, value in environment.items() if name != kubeconfig.VARIABLE}
    if IN_POD not in pod:
        raise Unreachable(
            f"kubeconfig '{where}' names no cluster to talk to: choose one by --kubeconfig or KUBECONFIG, or log in"
        )
    try:
        return configuration(pod)
    except Misconfigured as wrong:
        raise Unreachable(str(wrong)) from wrong


def _own_namespace() -> str:
    """The namespace of this pod; empty where this is none."""
    try:
        return POD_NAMESPACE.read_text().strip()
    except OSError:
        return ""


def without(token: str, text: str) -> str:
    """The text with `(hidden)` for a token that somebody's answer repeats."""
    return KnownSecrets([token]).hidden(text) if token else text


def _decisive(send: Transport, host: str, token: str) -> Transport:
    """Raise the error of an answer at once, since a user waits; no error contains the token."""

    def ask(request: Request) -> ApiResponse:
        try:
            answer = send(request)
        except ValueError:  # http.client quotes the header that it refuses
            raise Denied(
                f"the token of your kubeconfig cannot be sent to the API server at {host}: it has characters that no "
                "header may have; log in again"
            ) from None
        if answer.body.get("reason") == UNTRUSTED:
            cause = OPENSSL.sub("", without(token, str(answer.body["cause"]))).strip()
            raise Unreachable(
                f"the API server at {host} cannot be trusted ({cause}): set `certificate-authority` and "
                "`tls-server-name` of the cluster in your kubeconfig as they are there, or log in again"
            )
        if answer.status == 0:
            raise Unreachable(
                f"the API server at {host} does not answer: start it, or choose another with --context or --kubeconfig"
            )
        if answer.status == 401:
            raise Denied(f"the API server at {host} does not know you: log in again, or choose another --context")
        if answer.status >= 400 and "message" in answer.body:
            return replace(answer, body={**answer.body, "message": without(token, str(answer.body["message"]))})
        return answer

    return ask
