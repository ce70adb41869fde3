"""The way from a terminal into the cluster, with the user's own permissions.

kubeconfig which cluster and user the kubeconfig names
login      token, certificate or plugin, and impersonation
cluster    the API server
forward    `kubectl port-forward`
console    the query API of `audit`
exporters  what the exporters serve
broker     the Broker's ingress
"""
