"""The embedded default: a real control plane and a real Knative data plane as plain local processes.

No root, no container engine. `python -m local --help` lists the commands; tests use `local.stack.Stack`.
This package imports nothing of the operator: it knows `config/` by path, and the functions by their command line.

    stack            the whole stack as one object
    run              `run`: build, start, apply the samples, report
    background       `up`, `down` and `status`
    layout           paths of files
    owner            one live process for a state folder
    go_programs      the pinned programs, built from Go modules
    toolchain        finds the Go that builds them
    vendor           YAML that the modules contain
    control_plane    etcd, kube-apiserver, controllers
    knative          Knative Eventing's data plane
    topology         addresses of Brokers, Triggers and sources, as Knative's controllers write them
    topology_objects writes them to the API server
    source           an ApiServerSource as a process
    service_proxy    an HTTP proxy from exporters to Services
    services         a Knative Service as a process
    process          a process: started, watched, stopped
    supervise        restarts processes that have ended
    probe            readiness over HTTP
    ports            the port of each part
    pki              keys, certificates and kubeconfigs
    admin_client     the API server, as the administrator
    kubectl          the real kubectl
    keplers          the sample resources
    exporter_node    a simulated node that runs exporter pods as processes
    exporter_pod     one pod of Kepler's DaemonSet as a process
    pod_files        volumes, environment and arguments of a pod
    pod_network      an egress proxy from the API server to pods
    pod_status       the status of a pod
    watts            power by pod, from an exporter's `/metrics`
    account          what the functions did, from `audit`
    local_errors     errors, each with what to do
    programs         Go modules of the pinned programs
"""
