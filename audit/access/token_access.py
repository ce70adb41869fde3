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
from flask import Request as Asked

from audit.access.viewer import Viewer
from audit.access.visibility import Sight
from audit.problems import HttpProblem, TooManyNamespaces
from runtime.client import Request, Transport, checked_body
from runtime.objects import KEPLER, MACHINE_CONFIG, Kind, Manifest
from runtime.settings import AUDIENCE

# Seconds for which an answer of the API server is cached, and how many tokens are cached.
SECONDS = 10.0
TOKENS = 500
# Each namespace costs one review. If there are more, a user who may not see all of them has to name one.
NAMESPACES = 200

WHO = "/apis/authentication.k8s.io/v1/tokenreviews"
MAY = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
HOW = f"send `Authorization: Bearer <token>`, with one of `kubectl create token <serviceaccount> --audience {AUDIENCE}`"


@dataclass
class Known:
    """A user whom the API server has authenticated, and its answers about their permissions so far."""

    review: Callable[[str, Manifest], Manifest]
    user: Manifest
    _answers: dict[tuple[str, Kind, str], bool] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the user's name, as the API server has it; empty for an unknown token."""
        return str(self.user.get("username", ""))

    def sees(self, namespace: str) -> bool:
        """Return whether the user may see data about a namespace; if it is empty, about cluster-scoped objects."""
        if not namespace:
            return self._may("get", MACHINE_CONFIG, "")
        return self.sees_everywhere() or self._may("get", KEPLER, namespace)

    def sight(self, namespaces: Iterable[str]) -> Sight:
        """Return which of these namespaces the user may see. One review is enough for a user who may see all.

        Raises TooManyNamespaces.
        """
        cluster = self.sees("")
        if self.sees_everywhere():
            return Sight(None, cluster=cluster)
        asked = sorted({*namespaces})
        if len(asked) > NAMESPACES:
            raise TooManyNamespaces(
                400, f"there are {len(asked)} namespaces, and you may not see them all: add `namespace`"
            )
        return Sight(frozenset(namespace for namespace in asked if self.sees(namespace)), cluster=cluster)

    def may_replay(self, namespace: str) -> bool:
        """Return whether the user may replay an event about this namespace: whether they could have caused it."""
        return self._may("patch", KEPLER, "") or bool(namespace and self._may("patch", KEPLER, namespace))

    def sees_everywhere(self) -> bool:
        """Return whether the user may `get keplers` in the whole cluster."""
        return self._may("get", KEPLER, "")

    def _may(self, verb: str, kind: Kind, namespace: str) -> bool:
        key = (verb, kind, namespace)
        if key not in self._answers:
            wanted = {"verb": verb, "group": kind.group, "resource": kind.plural, "namespace": namespace}
            who = {"user": self.name, **{key: self.user[key] for key in ("uid", "groups", "extra") if key in self.user}}
            answer = self.review(MAY, {**who, "resourceAttributes": wanted})
            self._answers[key] = answer.get("allowed") is True
        return self._answers[key]


def _clock() -> float:
    """Return the time by which cached answers expire, in seconds."""
    return time.monotonic()


def _until(_key: bytes, _known: Known, now: float) -> float:
    """Return when an answer that came at `now` expires."""
    return now + SECONDS


@dataclass
class Tokens:
    """Authenticates requests; users are cached by a hash of their token.

    Raises HttpProblem if the token is missing or unknown, and Unavailable. If `own` is set, only tokens for our own
    audience are accepted.
    """

    transport: Transport
    own: bool = False
    _known: TLRUCache[bytes, Known] = field(default_factory=lambda: TLRUCache(TOKENS, _until, _clock))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Asked) -> Viewer:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise HttpProblem(401, f"nobody may look without a token: {HOW}")
        known = self._lately(token.strip())
        if not known.name:
            raise HttpProblem(401, f"the API server does not know this token (any more): {HOW}")
        return known

    def _lately(self, token: str) -> Known:
        key = hashlib.sha256(token.encode()).digest()
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = Known(self._review, self._who(token))
            with self._lock:
                self._known[key] = known
        return known

    def _who(self, token: str) -> Manifest:
        """Return the user of a token for our audience or, unless `own` is set, for the API server's; else nothing.

        An authenticator without support for audiences returns none (TokenReview's `status.audiences`). Then the token
        is taken as one for the API server.
        """
        status = self._review(WHO, {"token": token, "audiences": [AUDIENCE]})
        if not _is_authentic(status) or AUDIENCE not in (status.get("audiences") or ()):
            status = {} if self.own else self._review(WHO, {"token": token})
        user: Mapping[str, Any] = status.get("user") or {}
        return user if _is_authentic(status) else {}

    def _review(self, path: str, spec: Manifest) -> Manifest:
        """Return the status that the API server answers to a review; it stores no review."""
        asked = Request("POST", path, body={"spec": spec})
        status: Manifest = checked_body(asked, self.transport(asked)).get("status") or {}
        return status


def _is_authentic(status: Manifest) -> bool:
    return status.get("authenticated") is True
