"""What ends a build of the image."""


class ImageError(Exception):
    """The image cannot be built; the message says why, and what to do. The caller prints it and ends with 1."""
