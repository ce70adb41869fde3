"""Checks that a request names this machine as its host, against DNS rebinding.

A web page may make a name of its own resolve to 127.0.0.1; the request's `Host` then has that name.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Return whether the host is a loopback address or 'localhost'."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def hostname(address: str) -> str:
    """Return the host in a URL, such as '//localhost:8080'; empty if there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
