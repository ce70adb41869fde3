"""What each field of a resource changes: `docs/effects.md`, worked out by running every function in memory.

For development: it is not installed. `tests/pure/test_effects.py` has what must hold of it.

    field_effects    writes the page
    field_cases      two values of each field, and the test that shows what it does
    rendered_cluster what the functions make of a set of resources
    cluster_objects  objects that a cluster has besides: nodes, pools, definitions
"""
