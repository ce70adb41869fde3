"""The operator's container image, built without a container engine: `python -m image build`.

assemble     the whole build: layers, archive
base         the base layer: Python and what it needs, of Debian packages
bytecode     byte code that is valid whatever the times of files are
components   packages of the image, with their digests
dependencies the layer of locked Python packages
failure      what ends a build with one sentence
interpreter  the image's own Python, run from its unpacked root
kept         layers kept by the digest of what they are made from
materials    the bill of materials, as CycloneDX
oci          OCI image archives: layers, configuration, manifest
product      the layer of our own packages, and what a container of the image runs
trim         what is not needed to run, and left out
"""
