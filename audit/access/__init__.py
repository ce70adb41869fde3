"""Who asks, and what they may see.

viewer       the interface that the query API knows
visibility   which namespaces somebody may see
token_access `ACCESS=token`: a bearer token, as the API server knows it
open_access  `ACCESS=open`: everybody on this machine
"""
