"""One module for each function: what wakes it, what it reads, and its pure `desired`. None accesses the network.

collected_metric   which sources of metrics the exporter reads
exported_power     at which levels the exporter exports power, and which usage metrics it exports with it
estimator          where the estimator sidecar of each exporter gets its power models
model_server       the server of power models
collector          the exporter on every node
monitoring         ServiceMonitor and recording rules for Prometheus
machine_spec       ConfigMap `kepler-machine-spec`, which describes types of machines
machine_config     kernel headers and cgroup v2 on OpenShift, and a check of every node
status             the condition `Ready`, computed from the conditions of all other functions
reconcilers        all functions above except `status`
function_catalogue all functions, and the listeners of `sweeper`, `audit` and `dead_letters`
func               the Knative Function that serves the function which `FUNCTION` names
"""
