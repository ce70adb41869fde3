"""The operator's container image, built without a container engine: `python -m image build`.

assemble     the whole build: layers, archive
base         the base layer: Python and the Debian packages that it needs
bytecode     byte code that is valid regardless of the times of files
components   packages of the image, with their digests
dependencies the layer of locked Python packages
failure      the error that ends a build with one sentence
interpreter  the image's own Python, run from its unpacked root
layer_cache  layers cached by the digest of their inputs
materials    the bill of materials, as CycloneDX
oci          OCI image archives: layers, configuration, manifest
product      the layer of our own packages, and what a container of the image runs
trim         removes files that are not needed to run
"""
