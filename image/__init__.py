"""The operator's container image, built without a container engine.

`oci`      OCI image archives: layers, configuration, manifest
"""
