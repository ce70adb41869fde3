"""Resources in files, read as kubectl reads them.

manifests    `-f`: documents, folders, standard input
kustomize    `-k`
kubectl_yaml YAML with the scalars of `sigs.k8s.io/yaml`
"""
