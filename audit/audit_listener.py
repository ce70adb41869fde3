"""Stores every report, every edit of our resources and every sweep, and shows them in a query API and a console.

Triggered by all events that the functions emit, and by events about our resources: it reads those resources from the
API server, to store who changed what. It writes nothing in the cluster but the Secret with the signing key. It lists
the resources and the dead letters that it shows, reads the children of a Kepler by name, to show which of their fields
others own, and asks the API server what a user may see. It also prints one JSON line for each report to standard
output, for the cluster's log collection.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from audit import TOKEN
from events.types import PREFIX
from runtime.declaration import Function, Permission, writers
from runtime.listener import Listener, ListenerContext
from runtime.objects import KEPLER, OURS, Ref
from runtime.receive import Receiver
from runtime.signature import MAKE_KEY

# The folder of the database in a cluster.
FOLDER = "/var/lib/kepler-audit"
# Prefix of the event types of ApiServerSource.
RESOURCE = "dev.knative.apiserver.resource."

FILTER: Mapping[str, Any] = {
    "any": [
        {"prefix": {"type": PREFIX}},
        {"all": [{"prefix": {"type": RESOURCE}}, {"exact": {"apiversion": KEPLER.api_version}}]},
    ]
}


def listener(functions: tuple[Function, ...]) -> Listener:
    """Return the listener `audit`; `functions` are those whose children it checks for changes by others."""

    def receiver(context: ListenerContext) -> Receiver:
        from audit.audit_settings import audit_settings  # noqa: PLC0415
        from audit.composition import build  # noqa: PLC0415 - no other function is to load what a database needs

        return build(audit_settings(context.environment), context, partial(writers, functions))

    return Listener(
        name="audit",
        filters=(FILTER,),
        receiver=receiver,
        rules=(
            *(Permission(kind.group, kind.plural, ("get", "list")) for kind in OURS),
            *child_rules(functions),
            Permission("", "configmaps", ("list",), own=True),
            MAKE_KEY,
            Permission("authentication.k8s.io", "tokenreviews", ("create",)),
            Permission("authorization.k8s.io", "subjectaccessreviews", ("create",)),
        ),
        settings={"ACCESS": TOKEN, "DATABASE": f"sqlite:///{FOLDER}/audit.db"},
        keeps=FOLDER,
    )


def child_rules(functions: tuple[Function, ...]) -> Iterator[Permission]:
    """Yield the permissions to read the children of Keplers by name, one for each kind."""
    refs = writers(functions, Ref(KEPLER, "namespace", "name"))
    for kind in sorted({ref.kind for ref in refs}):
        yield Permission(kind.group, kind.plural, ("get",), tuple(sorted(ref.name for ref in refs if ref.kind == kind)))
