"""Connects a terminal to the cluster, with the user's own permissions.

kubeconfig the cluster and the user that the kubeconfig names
login      token, certificate or plugin, and impersonation
cluster    the API server
forward    `kubectl port-forward`
console    the query API of `audit`
exporters  what the exporters serve
broker     the Broker's ingress
"""
