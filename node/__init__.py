"""A whole real node on this machine: kubelet, containerd and the official Knative in namespaces, without an engine.

pinned         which programs and YAML are built or copied, and of which modules
prerequisites  what this machine lacks, a sentence each
cgroups        the node's own directory in each cgroup hierarchy, and what is used in it
sandbox        the namespaces: set up, entered, removed
kernel_settings  the sysctls that a kubelet changes: kept, and restored
node_files     configuration files of containerd, CNI, kubelet and CoreDNS
node_parts     the processes of a node, with their command lines
node_images    images of programs, and their import
official       Knative's own manifests with our images
product        the operator, installed as a user does
machine        the node as a whole
usage          CPU time and memory by part
"""
