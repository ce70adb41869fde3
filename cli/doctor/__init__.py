"""Is the installation complete, and does it work? Everything but `survey` is pure.

* `survey` reads what the checks look at.
* `check`: one check, what it looks at, and how objects are compared.
* `expected`: what this version installs, given the overlays in use.
* `installed`: definitions, permissions. `guards`: admission policies, the NetworkPolicy, the overlays in use.
* `knative_health`: Knative itself. `delivery`: source, clock and Broker. `subscriptions`: Triggers.
* `knative_services`: the functions' Knative Services; `pod_symptoms`: why one does not run.
* `alive`: sweeps, dead letters, namespaces, resources, and the user's own rights.
"""
