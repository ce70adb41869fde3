"""What `audit` keeps, and how it is shown: the store of reports, its query API, and the console.

audit_listener  what wakes it, and its permissions
audit_settings  its environment
composition     puts the parts together when a process starts
answer_models   what the query API answers, as pydantic models
episode_causes  why an episode of a trace began
problems        errors of the query API (RFC 9457)
storage         from an event to rows that outlive the process, and their retention
answers         from rows and the cluster to what the query API answers
access          who asks, and what they may see
console         HTML, styles and scripts
"""

from typing import Literal

# `ACCESS`: whoever the API server knows and lets. Here, since every function loads it, and the settings only `audit`.
TOKEN: Literal["token"] = "token"
