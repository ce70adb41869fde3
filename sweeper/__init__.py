"""The sweep: every few minutes it compares all resources with what they should be, and requests missing reconciles.

sweep_listener what wakes it, and its permissions
sweep_run      one sweep: snapshot, comparison, requests, report
snapshot       what every reconcile would read, as a few long lists
divergence     what a reconcile would change, without asking the API server
"""
