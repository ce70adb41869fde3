"""The settings of `audit`, from environment variables.

| variable | meaning | default |
|---|---|---|
| `DATABASE` | its URL: `sqlite:////folder/file.db`, `postgresql://user:password@host/name` | a temporary folder |
| `ACCESS` | `token`: users whom the API server authorizes; `open`: every user of this machine | `token` |
| `AUDIENCE` | `own`: only tokens for `kepler-on-knative`; `any`: those for the API server as well | `any` |
| `KEEP_DAYS`, `KEEP_MEGABYTES` | retention: older rows, or the oldest above this size, are deleted | 90, 512 |
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from audit import TOKEN
from runtime.errors import Misconfigured


class AuditSettings(BaseModel):
    """The settings of one process that stores reports; the URL of its database may contain a password."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    database: Annotated[SecretStr, Field(alias="DATABASE")] = SecretStr("")
    access: Annotated[Literal["token", "open"], Field(alias="ACCESS")] = TOKEN
    audience: Annotated[Literal["own", "any"], Field(alias="AUDIENCE")] = "any"
    days: Annotated[int, Field(alias="KEEP_DAYS", gt=0, le=36500)] = 90
    megabytes: Annotated[int, Field(alias="KEEP_MEGABYTES", gt=0, le=1 << 30)] = 512


def audit_settings(environment: Mapping[str, str]) -> AuditSettings:
    """Return the settings in `environment`; a blank value counts as unset. Raises Misconfigured with what to set."""
    try:
        return AuditSettings.model_validate({name: value for name, value in environment.items() if value})
    except ValidationError as wrong:
        first = wrong.errors()[0]
        name = str(first["loc"][0])
        raise Misconfigured(f"`{name}` is '{environment[name]}': {first['msg']}") from None
