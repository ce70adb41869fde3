"""The embedded default: a real control plane and a real Knative data plane as plain local processes.

No root, no container engine. `python -m local --help` says what can be done; tests use `local.stack.Stack`.
Nothing of the operator is imported here: its `config/` is known by path, its functions by their command line.
"""
