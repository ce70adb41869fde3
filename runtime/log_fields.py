"""Fields of log lines that several modules write in one form."""


def object_field(kind: str, namespace: str, name: str) -> dict[str, str]:
    """Return the field of a line that names an object, to be passed as `extra`."""
    return {"object": f"{kind} {namespace}/{name}"}
