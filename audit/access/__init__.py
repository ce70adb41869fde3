"""Identifies the viewer, and decides what they may see.

viewer       the interface that the query API uses
visibility   the namespaces that a user may see
token_access `ACCESS=token`: a bearer token that the API server authenticates
open_access  `ACCESS=open`: everybody on this machine
"""
