"""Renders the objects that functions write for a Kepler: exporter, estimator, model server.

kepler_v07          what Kepler v0.7.12 defines: images, paths, flags and names
kepler_v011         what Kepler v0.11 defines
release             the line of a Kepler and the release of an image, and what that cannot do
release_fields      the fields that a line ignores or refuses
repositories        the repositories that images may come from
architecture        the nodes that an image can run on
children            references to the objects of a Kepler, under the names that users' dashboards expect
cfm                 ConfigMap `kepler-cfm`: each key has one owner
settled_config      the configuration of an exporter's pods, as annotations of their template
exporter            the exporter's objects, and its pod for v0.7
exporter_v011       the exporter's pod for v0.11
kepler_config       `config.yaml` of v0.11
additional_config   what a user's ConfigMap adds to it
config_schema       its keys and the values that Kepler accepts
web_config          TLS and passwords of the exporter's port
sidecar             the estimator in the exporter's pods
redfish             credentials of the nodes' management controllers
machine_spec_volume the machine's specification as a file in the pods
model_pod           the model server's pod and objects
model_server_start  the program that starts the model server
model_server_state  the model server's state, for which exporters are restarted
model_store         volume, claim and object store of the models
metrics             the series that Kepler v0.7.12 exports
recording           recording rules for v0.7
series_v011         relabelings and recording rules for v0.11
common_rules        recording rules with the same names in both lines
openshift           MachineConfigs, and the MachineConfigPools that roll them out
preflight           whether nodes can run the exporter
namespaces          whether a namespace admits privileged pods
claim_trouble       why the model server's claim has no volume, from Events
pod_trouble         why a workload's pods are not ready, from Events
"""
