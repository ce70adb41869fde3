"""The attributes that all events of ours have: by them Triggers filter, partitions are chosen and traces go on."""

import uuid

from events.types import schema_of
from runtime.objects import Ref

# Names our ids; any fixed UUID serves (RFC 9562, name-based).
NAMESPACE = uuid.UUID("5b0c5f6e-6d0d-5b43-9d0a-3d6f1f1c7a52")


def envelope(event_type: str, source: str, identity: str) -> dict[str, str]:
    """The attributes of any event: what it is, who says so, by which id, and by which schema its data reads."""
    return {
        "id": identity,
        "type": event_type,
        "source": source,
        "datacontenttype": "application/json",
        "dataschema": schema_of(event_type),
    }


def about(key: Ref) -> dict[str, str]:
    """The attributes that name an object, as ApiServerSource sets them; no `namespace` for what is in none.

    An empty value is left out: not every SDK takes an extension without a value.
    """
    return {
        "subject": f"{key.kind.name}/{key.namespace}/{key.name}",
        "apiversion": key.kind.api_version,
        "kind": key.kind.name,
        "name": key.name,
        "partitionkey": f"{key.namespace}/{key.name}",
        **({"namespace": key.namespace} if key.namespace else {}),
    }
