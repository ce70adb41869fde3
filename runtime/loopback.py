"""Whether a request is for this machine by name, and not for a name that somebody else made resolve to it.

A web page may make a name of its own resolve to 127.0.0.1 (DNS rebinding); the request's `Host` then has that name.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether an address, or 'localhost', is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def hostname(address: str) -> str:
    """Return the host in a URL, such as '//localhost:8080'; empty where there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
