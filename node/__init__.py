"""A complete real node on this machine: kubelet, containerd and the official Knative in namespaces, without an engine.

pinned           the programs and YAML to build or copy, and their modules
prerequisites    what this machine lacks, a sentence each
cgroups          the node's own directory in each cgroup hierarchy
kernel_settings  saves and restores the sysctls that a kubelet changes
sandbox          the namespaces: set up, entered, removed
node_files       configuration files of containerd, CNI and the kubelet
node_parts       the processes of a node, with their command lines
node_images      images of programs, and their import
gateway          DNS for pods, and the ingress
official         Knative's own manifests with our images
user_install     the operator, installed as a user does it
machine          the node as a whole
usage            CPU time and memory by part
programs         Go modules of the pinned programs
"""
