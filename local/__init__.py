"""The embedded default: a real control plane and a real Knative data plane as plain local processes.

No root, no container engine. `python -m local --help` says what can be done; tests use `local.stack.Stack`.
Nothing of the operator is imported here: its `config/` is known by path, its functions by their command line.

    stack            the whole stack as one object
    run              `run`: build, start, apply the samples, report
    background       `up`, `down` and `status`
    layout           where files lie
    owner            one live process for a state folder
    go_programs      the pinned programs, built from Go modules
    toolchain        which Go builds them
    vendor           YAML that comes in the modules
    control_plane    etcd, kube-apiserver, controllers
    knative          Knative Eventing's data plane
    topology         addresses of Brokers, Triggers and sources, as Knative's controllers write them
    topology_objects writes them to the API server
    source           an ApiServerSource as a process
    services         a Knative Service as a process
    process          a process: started, watched, stopped
    supervise        starts again what has ended
    probe            readiness over HTTP
    ports            which part listens where
    pki              keys, certificates and kubeconfigs
    admin_client     the API server, as the administrator
    kubectl          the real kubectl
    keplers          the sample resources
    exporter_node    a node whose exporter is a process: Kepler itself
    exporter_pod     one pod of Kepler's DaemonSet as a process
    pod_files        volumes, environment and arguments of a pod
    pod_network      the way of the API server to pods
    pod_status       the status of a pod
    watts            power by pod, from an exporter's `/metrics`
    account          what the functions did, from `audit`
    local_errors     errors, each with what to do
    programs         Go modules of the pinned programs
"""
