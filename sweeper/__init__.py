"""The sweep: every five minutes it compares all resources with their desired state, and requests missing reconciles.

sweep_listener what wakes it, and its permissions
sweep_run      one sweep: snapshot, comparison, requests, report
snapshot       the objects that all reconciles would read, as a few long lists
divergence     the changes that a reconcile would make, without API calls
"""
