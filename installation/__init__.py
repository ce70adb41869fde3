"""What an administrator installs: the generated part of `config`, computed from what the functions declare. Pure.

contents          every file, by its name below `config`
generate          writes them: `make generate`
installed_objects labels and place of each object
event_catalogue   every type of event: who emits it, who acts on it, what it carries
event_documents   JSON Schemas, the AsyncAPI document and `docs/events.md`
console_catalogue what the console knows without asking
wiring            sources, Triggers, Knative Services, dead-letter sink
permissions       ServiceAccounts, Roles and their bindings
user_roles        ClusterRoles for users, joined to `view`, `edit` and `admin`
admission         ValidatingAdmissionPolicies for users' resources
privileges        which fields of a Kepler need a right of their own
amounts           the policy for amounts such as `cpu`
account_policies  ValidatingAdmissionPolicies for the functions' own ServiceAccounts
container_rules   what a container that a function writes may be, in CEL
network           NetworkPolicies and EventPolicies
tenants           Roles namespace by namespace, for clusters of many tenants
"""
