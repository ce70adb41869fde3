"""Computes what each field of a resource changes, for `docs/effects.md`, by running every function in memory.

For development: it is not installed. `tests/pure/test_effects.py` tests it.

    field_effects    writes the page
    field_cases      two values of each field, and the test that shows its effect
    rendered_cluster the objects that the functions write for a set of resources
    cluster_objects  other objects of a cluster: nodes, pools, definitions
"""
