"""What `audit` keeps, and how it is shown: the store of reports, its query API, and the console."""

from typing import Literal

# `ACCESS`: whoever the API server knows and lets. Here, since every function loads it, and the settings only `audit`.
TOKEN: Literal["token"] = "token"
