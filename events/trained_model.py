"""Data of the event about a trained power model."""

from typing import Annotated

from pydantic import Field

from events.report import EventPart


class Trained(EventPart):
    """A new power model: its name, the SHA-256 digest of its archive, the URL where that is, and how good it is.

    `metrics` are figures of its training by name, such as `mae` in watts.
    """

    name: str
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    place: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://")]
    metrics: dict[str, float] = Field(default_factory=dict)
