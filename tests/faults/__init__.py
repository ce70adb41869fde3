"""Every fault of a request and of a delivery, one after the other, against a real API server."""
