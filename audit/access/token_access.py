"""`ACCESS=token`: a user with a bearer token sees what the API server lets them `get`.

A TokenReview identifies the user, and SubjectAccessReviews decide what they may do. `get keplers` in a namespace shows
everything about that namespace, `get keplermachineconfigs` shows cluster-scoped objects, and `patch keplers` allows
replaying or discarding a dead letter.
Answers are cached for some seconds; of a token only a hash is kept.

Tokens should be for our own audience: the API server itself accepts none of those, so a stolen one opens nothing else.
Tokens for the API server's own audience are accepted as well, unless `AUDIENCE` is `own`.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cachetools import TLRUCache
from flask import Request as HttpRequest

from audit.access.viewer import Viewer
from audit.access.visibility import Visibility
from audit.problems import HttpProblem, TooManyNamespaces
from runtime.client import Request, Transport, checked_body
from runtime.objects import KEPLER, MACHINE_CONFIG, Kind, Manifest
from runtime.settings import AUDIENCE

# Seconds for which an answer of the API server is cached, and the number of tokens that are cached.
CACHE_SECONDS = 10.0
MAX_CACHED_TOKENS = 500
# Each namespace costs one review. If there are more, a user who may not see all of them has to name one.
MAX_NAMESPACES = 200

TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
TOKEN_HINT = (
    f"send `Authorization: Bearer <token>`, with one of `kubectl create token <serviceaccount> --audience {AUDIENCE}`"
)


@dataclass
class AuthenticatedUser:
    """A user whom the API server has authenticated, and its answers about their permissions so far."""

    review: Callable[[str, Manifest], Manifest]
    user: Manifest
    _answers: dict[tuple[str, Kind, str], bool] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the user's name, as the API server has it; empty for an unknown token."""
        return str(self.user.get("username", ""))

    def may_see(self, namespace: str) -> bool:
        """Return whether the user may see data about a namespace; if it is empty, about cluster-scoped objects."""
        if not namespace:
            return self._may("get", MACHINE_CONFIG, "")
        return self.may_see_all_namespaces() or self._may("get", KEPLER, namespace)

    def visibility(self, namespaces: Iterable[str]) -> Visibility:
        """Return which of these namespaces the user may see. One review is enough for a user who may see all.

        Raises TooManyNamespaces.
        """
        cluster = self.may_see("")
        if self.may_see_all_namespaces():
            return Visibility(None, cluster=cluster)
        names = sorted({*namespaces})
        if len(names) > MAX_NAMESPACES:
            raise TooManyNamespaces(
                400, f"there are {len(names)} namespaces, and you may not see them all: add `namespace`"
            )
        return Visibility(frozenset(namespace for namespace in names if self.may_see(namespace)), cluster=cluster)

    def may_replay(self, namespace: str) -> bool:
        """Return whether the user may replay an event about this namespace: whether they could have caused it."""
        return self._may("patch", KEPLER, "") or bool(namespace and self._may("patch", KEPLER, namespace))

    def may_see_all_namespaces(self) -> bool:
        """Return whether the user may `get keplers` in the whole cluster."""
        return self._may("get", KEPLER, "")

    def _may(self, verb: str, kind: Kind, namespace: str) -> bool:
        """Return whether the user has this permission, from a SubjectAccessReview or from the answers so far."""
        key = (verb, kind, namespace)
        if key not in self._answers:
            attributes = {"verb": verb, "group": kind.group, "resource": kind.plural, "namespace": namespace}
            identity = {name: self.user[name] for name in ("uid", "groups", "extra") if name in self.user}
            answer = self.review(ACCESS_REVIEWS, {"user": self.name, **identity, "resourceAttributes": attributes})
            self._answers[key] = answer.get("allowed") is True
        return self._answers[key]


def _clock() -> float:
    """Return the time by which cached answers expire, in seconds."""
    return time.monotonic()


def _expiry(_key: bytes, _user: AuthenticatedUser, now: float) -> float:
    """Return when an answer that came at `now` expires."""
    return now + CACHE_SECONDS


@dataclass
class TokenAuthenticator:
    """Authenticates requests; users are cached by a hash of their token.

    Raises HttpProblem if the token is missing or unknown, and Unavailable. If `own` is set, only tokens for our own
    audience are accepted.
    """

    transport: Transport
    own: bool = False
    _users: TLRUCache[bytes, AuthenticatedUser] = field(
        default_factory=lambda: TLRUCache(MAX_CACHED_TOKENS, _expiry, _clock)
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: HttpRequest) -> Viewer:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise HttpProblem(401, f"a bearer token is required: {TOKEN_HINT}")
        user = self._cached_user(token.strip())
        if not user.name:
            raise HttpProblem(401, f"the API server does not know this token (any more): {TOKEN_HINT}")
        return user

    def _cached_user(self, token: str) -> AuthenticatedUser:
        """Return the user of a token, from the cache or from a TokenReview."""
        key = hashlib.sha256(token.encode()).digest()
        with self._lock:
            user = self._users.get(key)
        if user is None:
            user = AuthenticatedUser(self._review, self._authenticate(token))
            with self._lock:
                self._users[key] = user
        return user

    def _authenticate(self, token: str) -> Manifest:
        """Return the user of a token for our audience or, unless `own` is set, for the API server's; else nothing.

        An authenticator without support for audiences returns none (TokenReview's `status.audiences`). Then the token
        is taken as one for the API server.
        """
        status = self._review(TOKEN_REVIEWS, {"token": token, "audiences": [AUDIENCE]})
        if not _is_authentic(status) or AUDIENCE not in (status.get("audiences") or ()):
            status = {} if self.own else self._review(TOKEN_REVIEWS, {"token": token})
        user: Mapping[str, Any] = status.get("user") or {}
        return user if _is_authentic(status) else {}

    def _review(self, path: str, spec: Manifest) -> Manifest:
        """Return the status that the API server answers to a review; it stores no review."""
        review = Request("POST", path, body={"spec": spec})
        status: Manifest = checked_body(review, self.transport(review)).get("status") or {}
        return status


def _is_authentic(status: Manifest) -> bool:
    return status.get("authenticated") is True
