"""Makes every event that this project sends, with its id, type, source, object and trace.

Triggers filter by these attributes; they also choose partitions, identify redeliveries and continue traces.
"""

import uuid
from typing import Any

from cloudevents.core.v1.event import CloudEvent
from pydantic import BaseModel

from events.report import ObjectName
from events.types import schema_of
from runtime.objects import Ref

# Namespace of our ids; any fixed UUID serves (RFC 9562, name-based).
NAMESPACE = uuid.UUID("5b0c5f6e-6d0d-5b43-9d0a-3d6f1f1c7a52")


def cloud_event(
    event_type: str, source: str, data: BaseModel, *, identity: str = "", key: Ref | None = None, **attributes: Any
) -> CloudEvent:
    """Return an event of `event_type` from '/kepler/<source>', about the object `key` if there is one.

    The id follows from `identity`, so that a redelivery repeats it; without `identity` the id is new each time.
    Further `attributes` (`traceparent`, `functions`, `time`, ...) replace those that follow from the key.
    """
    return CloudEvent(
        {
            "id": str(uuid.uuid5(NAMESPACE, identity) if identity else uuid.uuid4()),
            "type": event_type,
            "source": f"/kepler/{source}",
            "datacontenttype": "application/json",
            "dataschema": schema_of(event_type),
            **(about(key) if key else {}),
            **attributes,
        },
        data.model_dump(mode="json", by_alias=True),
    )


def about(key: Ref) -> dict[str, str]:
    """Return the attributes that name an object, as ApiServerSource sets them; no `namespace` if it is cluster-scoped.

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


def object_name(ref: Ref) -> ObjectName:
    """Return the name of an object in the form that event data uses."""
    return ObjectName(api_version=ref.kind.api_version, kind=ref.kind.name, namespace=ref.namespace, name=ref.name)
