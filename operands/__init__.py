"""The objects that functions write for a Kepler, rendered: exporter, estimator, model server. Pure.

engine              Kepler v0.7.12 as it is: images, paths, flags and names
release             which release an image is, and what that release cannot do
repositories        which repositories images may come from
architecture        which nodes an image can run on
children            the objects of a Kepler, under the names that users' dashboards know
cfm                 ConfigMap `kepler-cfm`: each key has one owner
settled_config      the configuration of an exporter's pods, carried by their template
exporter            the exporter's pod and objects
sidecar             the estimator in the exporter's pods
redfish             credentials of the nodes' management controllers
machine_spec_volume the machine's specification as a file in the pods
model_pod           the model server's pod and objects, and the trainer
model_store         volume, claim and object store of the models
metrics             the series of a Kepler v0.7.12
recording           recording rules for pods and namespaces
openshift           MachineConfigs, and the pools that take them up
preflight           which nodes can run the exporter
namespaces          which namespaces admit privileged pods
pod_trouble         why a workload's pods do not come up, from Events
"""
