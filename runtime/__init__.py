"""The shell around the functions: an event comes in, one object is reconciled, a report goes out.

Whatever touches the network is here; the functions themselves only compute.

    edge ─▶ wake ─▶ protocol ─▶ client ─▶ API server
                       │
                       └─▶ function.desired (pure)
"""
