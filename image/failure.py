"""The error that ends a build of the image."""


class ImageError(Exception):
    """The image cannot be built; the message says why, and what to do. The caller prints it and exits with 1."""
