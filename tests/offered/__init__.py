"""Steps that conditions and `explain` offer, each taken in a state that it is offered in, on a real API server.

* `broker_ingress`: takes the events that `kubectl kepler resync` sends.
* `node_manifests`: nodes.
* `workload_controllers`: the controllers and the kubelet of one node.
* `operated_namespace`: one namespace with its functions, which hear of what has an event and of nothing else.
* `step_case`: one state and the step out of it.
* `common_steps`: what cases share.
* `decision_steps`, `image_steps`, `refusal_steps`, `machine_steps`, `unmade_pod_steps`, `workload_steps`: the cases.
"""
