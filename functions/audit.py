"""Keeps every report, every edit of our resources and every sweep, and shows them: a query API, and a console.

Triggered by whatever the functions emit, and by events about our resources: it reads those from the API server, to keep
who changed what. It writes nothing in the cluster: it lists the resources and the dead letters that it shows, and asks
the API server who may look. One JSON line for each report goes to standard output as well, where the cluster's log
collection finds it.
"""

from collections.abc import Mapping
from typing import Any

from audit import TOKEN
from events.types import PREFIX
from runtime.function import Rule
from runtime.listener import Listener, Surroundings
from runtime.objects import KEPLER, OURS
from runtime.receive import Receiver
from runtime.signature import MAKE_KEY

# Where its database is, in a cluster.
FOLDER = "/var/lib/kepler-audit"
# Of all kinds of events that ApiServerSource makes of one object.
RESOURCE = "dev.knative.apiserver.resource."

FILTER: Mapping[str, Any] = {
    "any": [
        {"prefix": {"type": PREFIX}},
        {"all": [{"prefix": {"type": RESOURCE}}, {"exact": {"apiversion": KEPLER.api_version}}]},
    ]
}


def receiver(surroundings: Surroundings) -> Receiver:
    """Return what keeps reports where the environment says."""
    from audit.build import build  # noqa: PLC0415 - no other function is to load what a database needs
    from audit.settings import keeping  # noqa: PLC0415

    return build(keeping(surroundings.environment), surroundings)


LISTENER = Listener(
    name="audit",
    filters=(FILTER,),
    receiver=receiver,
    rules=(
        *(Rule(kind.group, kind.plural, ("get", "list")) for kind in OURS),
        Rule("", "configmaps", ("list",), own=True),
        MAKE_KEY,
        Rule("authentication.k8s.io", "tokenreviews", ("create",)),
        Rule("authorization.k8s.io", "subjectaccessreviews", ("create",)),
    ),
    settings={"ACCESS": TOKEN, "DATABASE": f"sqlite:///{FOLDER}/audit.db"},
    keeps=FOLDER,
)
