"""Accepts the same certificates as kubectl.

Since Python 3.13, `ssl` and urllib3 also refuse an authority without some extensions that RFC 5280 requires.
Authorities of clusters lack them, EKS's and MicroK8s's among them (kubernetes-client/python issue 2394), and programs
in Go do not require them. Chain, dates and host name are checked as usual.
"""

import ssl

import urllib3.util

from runtime.kubernetes_client import Configuration


def as_kubectl(context: ssl.SSLContext) -> ssl.SSLContext:
    """Return the same context, changed to accept authorities without those extensions."""
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def api_server(configured: Configuration) -> ssl.SSLContext:
    """Return a context for connections to an API server; urllib3 adds the authority and our certificate."""
    verified = ssl.CERT_REQUIRED if configured.verify_ssl else ssl.CERT_NONE
    context = as_kubectl(urllib3.util.create_urllib3_context(cert_reqs=verified))
    if not (configured.ssl_ca_cert or configured.ca_cert_data):
        context.load_default_certs()
    return context
