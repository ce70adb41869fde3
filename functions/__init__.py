"""The functions: one module each, with what wakes it, what it reads, and its pure `desired`. None touches the network.

collected_metric   which sources of metrics the exporter reads
exported_power     at which levels the exporter reports power, and which usage metrics beside it
estimator          where the estimator beside each exporter takes its power models from
model_server       the server of power models, and the trainer beside it
collector          the exporter on every node
monitoring         ServiceMonitor and recording rules for Prometheus
machine_spec       ConfigMap `kepler-machine-spec`, which describes types of machines
machine_config     kernel headers and cgroup v2 on OpenShift, and a look at every node
status             the condition `Ready`, from the conditions of all the others
reconcilers        the functions above but `status`
function_catalogue all of them, with the listeners of `sweeper`, `audit` and `dead_letters`
func               the Knative Function that serves the one which `FUNCTION` names
"""
