"""Computes the generated part of `config`, which an administrator installs, from the functions' declarations.

contents          every file, by its name below `config`
generate          writes them: `make generate`
installed_objects labels and namespace of each object
event_catalogue   every type of event: who emits it, who acts on it, and its data
event_documents   JSON Schemas, the AsyncAPI document and `docs/events.md`
console_catalogue constants of the console
wiring            sources, Triggers, Knative Services, dead-letter sink
compact           all functions that reconcile in one Knative Service, as an overlay
permissions       ServiceAccounts, Roles and their bindings
user_roles        ClusterRoles for users, aggregated to `view`, `edit` and `admin`
admission         ValidatingAdmissionPolicies for users' resources
privileges        which fields of a Kepler need a permission of their own
amounts           the policy for amounts such as `cpu`
account_policies  ValidatingAdmissionPolicies for the functions' own ServiceAccounts
container_rules   what containers that a function writes may contain, in CEL
network           NetworkPolicies and EventPolicies
tenants           Roles for each namespace, for clusters of many tenants
"""
