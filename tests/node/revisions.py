"""The operator's Knative Services, and the revision of each that takes events."""

from local.admin_client import Object
from node import user_install
from node.machine import Node


def services(node: Node) -> dict[str, Object]:
    """The operator's Knative Services by name."""
    return {service["metadata"]["name"]: service for service in node.api.items(user_install.SERVICES)}


def revisions(node: Node) -> dict[str, str]:
    """The newest revision of each Service."""
    return {name: service["status"]["latestReadyRevisionName"] for name, service in services(node).items()}
