"""Connects to the API server as the user at the terminal: by their kubeconfig, and with their own permissions.

`runtime.client` does the reads. This module adds the dry run of an apply, the question whether the user may do
something, and the user's current namespace.
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
# The text that Python adds to OpenSSL's message: 'SSLError [SSL: NAME] ... (_ssl.c:1006)'.
OPENSSL = re.compile(r"^SSLError\s+(\[SSL: \w+\] )?|\s*\(_ssl\.c:\d+\)|\s+$")
# Most requests of one command at the same time.
CONNECTIONS = 8
DRY_RUN = {"dryRun": "All", "fieldValidation": "Strict"}
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True)
class ClusterTarget:
    """The cluster, the namespaces and the user, by flags and environment; empty means kubectl's default, or ours."""

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""
    operator_namespace: str = ""
    impersonation: login.Impersonation = field(default_factory=login.Impersonation)

    @property
    def kubectl(self) -> tuple[str, ...]:
        """Return the flags with which kubectl connects to the same cluster."""
        flags = {"--kubeconfig": self.kubeconfig, "--context": self.context}
        given = tuple(f"{flag}={value}" for flag, value in flags.items() if value)
        return (*given, *self.impersonation.flags)


@dataclass(frozen=True)
class Cluster:
    """One cluster; `token` is the user's, empty if they use another credential, such as a client certificate.

    `acts_for` is the user on whose behalf requests are made; empty if they are the user's own.
    """

    transport: Transport
    place: ClusterTarget
    namespace: str
    token: str = ""
    acts_for: str = ""

    @property
    def operator_namespace(self) -> str:
        """Return the namespace of the functions, with their Broker, Triggers, Knative Services and dead letters."""
        return self.place.operator_namespace or NAMESPACE

    def without_token(self, text: str) -> str:
        """Return a server's message with `(hidden)` for the user's token, which a proxy may repeat."""
        return hide_token(self.token, text)

    @cached_property
    def client(self) -> Client:
        """Return a client that reads and deletes; its field manager does not matter, since it applies nothing."""
        return Client(self.transport, manager="kubectl-kepler")

    def get(self, ref: Ref) -> Manifest | None:
        """Return the object, or None."""
        return self.client.get(ref)

    def need(self, ref: Ref) -> Manifest:
        """Return the object. Raises Missing if there is none."""
        manifest = self.get(ref)
        if manifest is None:
            raise Missing(f"there is no {title(ref)}: `kubectl kepler status -A` lists what there is")
        return manifest

    def list(
        self, kind: Kind, namespace: str = "", *, labelled: str = "", metadata_only: bool = False
    ) -> tuple[Manifest, ...]:
        """Return all objects of a kind, in a namespace or everywhere. Raises NotFound if the kind is not served."""
        where = Collection(kind, namespace)
        return tuple(self.client.list(where, labelled=labelled, metadata_only=metadata_only))

    def known(
        self, kind: Kind, namespace: str = "", *, labelled: str = "", metadata_only: bool = False
    ) -> tuple[Manifest, ...] | None:
        """Return all objects of a kind; None if the API server does not serve it."""
        try:
            return self.list(kind, namespace, labelled=labelled, metadata_only=metadata_only)
        except NotFound:
            return None

    def delete(self, ref: Ref, over: Manifest) -> None:
        """Delete the version of an object that was read. Raises Conflict if it has changed since."""
        self.client.delete(ref, over=over)

    def dry_run_apply(self, ref: Ref, body: Manifest, *, manager: str, content_type: str) -> Manifest:
        """Return the object as a patch would leave it, by a dry run (dryRun=All). Raises ApiErrors as a write does."""
        force = {"force": "true"} if content_type == APPLY else {}
        query = {**DRY_RUN, "fieldManager": manager, **force}
        return self._ask(Request("PATCH", path(ref.kind, ref.namespace, ref.name), query, body, content_type))

    def dry_run_create(self, ref: Ref, body: Manifest, *, manager: str) -> Manifest:
        """Return the object as its creation would make it, by a dry run."""
        query = {**DRY_RUN, "fieldManager": manager}
        return self._ask(Request("POST", path(ref.kind, ref.namespace), query, body))

    def may(self, verb: str, kind: Kind, namespace: str = "", subresource: str = "") -> bool:
        """Return whether the API server would let the user do this."""
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
        """Return the API server's version."""
        return str(self._ask(Request("GET", "/version")).get("gitVersion", ""))

    def _ask(self, request: Request) -> Manifest:
        return checked_body(request, self.transport(request))


def connect(place: ClusterTarget, environment: Mapping[str, str]) -> Cluster:
    """Return the cluster that the flags, or else the environment, name. Raises Unreachable if there is none."""
    context = kubeconfig.choose(place.kubeconfig, place.context, environment)
    where = os.pathsep.join(kubeconfig.files(place.kubeconfig, environment))
    try:
        configured = login.configured(context) if context else _in_cluster(environment, where)
        acting = place.impersonation.over(context.user if context else {})
        headers = tuple(acting.headers())
    except (AttributeError, TypeError, ValueError) as wrong:  # their messages may quote the file
        raise kubeconfig.malformed(where, wrong) from None
    if not configured.verify_ssl:  # the kubeconfig says so, and kubectl does not warn, either
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    send = through(configured, user_agent=f"kubectl-kepler/{VERSION}", connections=CONNECTIONS, headers=headers)
    token = str((configured.api_key or {}).get("BearerToken") or "").removeprefix("Bearer ")
    transport = _raising_transport(send, str(configured.host), token)
    namespace = place.namespace or (context.namespace if context else _own_namespace()) or DEFAULT_NAMESPACE
    return Cluster(transport, place, namespace, token, acts_for=acting.user)


def _in_cluster(environment: Mapping[str, str], where: str) -> Configuration:
    """Return the configuration of a pod for its own API server. Raises Unreachable outside of a pod."""
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
    """Return the namespace of this pod; empty outside of a pod."""
    try:
        return POD_NAMESPACE.read_text().strip()
    except OSError:
        return ""


def hide_token(token: str, text: str) -> str:
    """Return a text with `(hidden)` for the token, which a server's answer may repeat."""
    return KnownSecrets([token]).hidden(text) if token else text


def _raising_transport(send: Transport, host: str, token: str) -> Transport:
    """Return a transport that raises an answer's error at once, since a user waits; no error contains the token."""

    def ask(request: Request) -> ApiResponse:
        try:
            answer = send(request)
        except ValueError:  # http.client quotes the header that it refuses
            raise Denied(
                f"the token of your kubeconfig cannot be sent to the API server at {host}: it has characters that no "
                "header may have; log in again"
            ) from None
        if answer.body.get("reason") == UNTRUSTED:
            cause = OPENSSL.sub("", hide_token(token, str(answer.body["cause"]))).strip()
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
            return replace(answer, body={**answer.body, "message": hide_token(token, str(answer.body["message"]))})
        return answer

    return ask
