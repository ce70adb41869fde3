"""The four resources as pydantic models, and what is generated from them.

kepler                  Kepler
collector_fields        `collector` of a Kepler
estimator_fields        `estimator-sidecar` of a Kepler
model_server_fields     `model-server` of a Kepler
kepler_collected_metric KeplerCollectedMetric
kepler_exported_power   KeplerExportedPower
kepler_machine_config   KeplerMachineConfig
meta                    what the four share
fields                  types of fields, with the API server's rules
core                    Kubernetes' own types
pod_fields              fields that are handed on to a pod
environment             environment variables that a user may set
canonical               values as the API server keeps them
describe                descriptions from docstrings
openapi_schema          from a model to a CustomResourceDefinition's schema
crd_files               writes `config/crds`
reference               writes `docs/reference.md`
compatibility           whether a definition takes what a released one took
publication             prepares a release
"""
