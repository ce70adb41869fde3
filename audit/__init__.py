"""Keeps the reports of the functions and shows them: the store of reports, its query API, and the console.

audit_listener  the events that trigger `audit`, and its permissions
audit_settings  its environment variables
composition     puts the parts together when a process starts
answer_models   the answers of the query API, as pydantic models
episode_causes  the cause of an episode of a trace
problems        errors of the query API (RFC 9457)
storage         turns events into rows of a database, and deletes old rows
answers         makes the answers of the query API from rows and from the cluster
access          identifies the viewer, and decides what they may see
console         HTML, styles and scripts
"""

from typing import Literal

# Value of `ACCESS`: users who authenticate with a bearer token. It is here because every function loads this module,
# but only `audit` loads the settings.
TOKEN: Literal["token"] = "token"
