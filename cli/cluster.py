"""The API server as the user at the terminal reaches it: by his kubeconfig, and with his own permissions.

Reads are those of `runtime.client`; what it does not have is here: the dry run of an apply, the question what the user
may do, and where in the cluster he is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kubernetes.config.config_exception import ConfigException
from kubernetes.config.kube_config import list_kube_config_contexts
from yaml import YAMLError

from cli.errors import Denied, Missing, Unreachable
from cli.kinds import title
from runtime.client import APPLY, Answer, Client, Request, Transport, path, understood
from runtime.errors import Misconfigured, NotFound
from runtime.known_secrets import KnownSecrets
from runtime.objects import Collection, Kind, Manifest, Ref
from runtime.settings import NAMESPACE, VERSION
from runtime.transport import configuration, through

DEFAULT_NAMESPACE = "default"
# How many requests one command may have under way at once.
CONNECTIONS = 8
DRY_RUN = {"dryRun": "All", "fieldValidation": "Strict"}
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True)
class Place:
    """Which cluster, and where in it, as flags and environment say; empty means kubectl's own default, or ours."""

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""
    operator_namespace: str = ""

    @property
    def kubectl(self) -> tuple[str, ...]:
        """The flags by which kubectl goes to the same cluster."""
        flags = {"--kubeconfig": self.kubeconfig, "--context": self.context}
        return tuple(f"{flag}={value}" for flag, value in flags.items() if value)


@dataclass(frozen=True)
class Cluster:
    """One cluster; `token` is the user's, empty where he has none (a client certificate, for instance)."""

    transport: Transport
    place: Place
    namespace: str
    token: str = ""

    @property
    def operator_namespace(self) -> str:
        """The namespace of the functions: where their Broker, Triggers, Knative Services and dead letters are."""
        return self.place.operator_namespace or NAMESPACE

    def without_token(self, text: str) -> str:
        """Somebody else's words, with `(hidden)` for the user's token: a proxy may repeat what it was sent."""
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
        found = self.get(ref)
        if found is None:
            raise Missing(f"there is no {title(ref)}: `kubectl kepler status -A` lists what there is")
        return found

    def list(
        self, kind: Kind, namespace: str = "", *, labelled: str = "", metadata_only: bool = False
    ) -> tuple[Manifest, ...]:
        """All objects of a kind, in a namespace or everywhere; raises NotFound where the kind is not served."""
        where = Collection(kind, namespace)
        return tuple(self.client.list(where, labelled=labelled, metadata_only=metadata_only))

    def known(
        self, kind: Kind, namespace: str = "", *, labelled: str = "", metadata_only: bool = False
    ) -> tuple[Manifest, ...] | None:
        """As `list`; None where the API server does not serve the kind."""
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
        return understood(request, self.transport(request))


def connect(place: Place, environment: Mapping[str, str]) -> Cluster:
    """The cluster that the flags, or else the environment, name; raises Unreachable where there is none."""
    chosen = {**environment, **({"KUBECONFIG": place.kubeconfig} if place.kubeconfig else {})}
    try:
        configured = configuration(chosen, context=place.context)
    except Misconfigured as wrong:
        raise _nowhere(place, chosen) from wrong
    except (YAMLError, AttributeError, TypeError, ValueError) as malformed:  # these messages may quote the file
        raise Unreachable(
            f"kubeconfig '{_file(chosen)}' is malformed ({type(malformed).__name__}): `kubectl config view` says where"
        ) from None
    send = through(configured, user_agent=f"kubectl-kepler/{VERSION}", connections=CONNECTIONS)
    token = str((configured.api_key or {}).get("BearerToken") or "").removeprefix("Bearer ")
    transport = _decisive(send, str(configured.host), token)
    return Cluster(transport, place, place.namespace or _namespace(place, chosen), token)


def _nowhere(place: Place, environment: Mapping[str, str]) -> Unreachable:
    """Which file, or which context of it, does not lead to a cluster."""
    file = _file(environment)
    if place.context:
        return Unreachable(
            f"kubeconfig '{file}' has no usable context '{place.context}': `kubectl config get-contexts` lists them"
        )
    return Unreachable(
        f"kubeconfig '{file}' names no cluster to talk to: choose one by --kubeconfig or KUBECONFIG, or log in"
    )


def _file(environment: Mapping[str, str]) -> str:
    return environment.get("KUBECONFIG") or "~/.kube/config"


def without(token: str, text: str) -> str:
    """The text with `(hidden)` for a token that somebody's answer repeats."""
    return KnownSecrets([token]).hidden(text) if token else text


def _decisive(send: Transport, host: str, token: str) -> Transport:
    """Somebody waits at the terminal: where a function would try again, this fails at once. No error has the token."""

    def ask(request: Request) -> Answer:
        try:
            answer = send(request)
        except ValueError:  # http.client quotes the header that it refuses
            raise Denied(
                f"the token of your kubeconfig cannot be sent to the API server at {host}: it has characters that no "
                "header may have; log in again"
            ) from None
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


def _namespace(place: Place, environment: Mapping[str, str]) -> str:
    """The context's own namespace, as kubectl takes it."""
    try:
        contexts, active = list_kube_config_contexts(environment.get("KUBECONFIG"))
    except (ConfigException, OSError):
        return DEFAULT_NAMESPACE
    chosen: Mapping[str, Any] = next((one for one in contexts if one["name"] == place.context), active)
    return str((chosen.get("context") or {}).get("namespace") or DEFAULT_NAMESPACE)
