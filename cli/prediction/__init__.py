"""Predicts what an apply would change: runs the functions in memory, on the objects that the API server would store.

dry_run           the API server's dry run of the user's apply
predict           the prediction: fills the memory and selects the resources to simulate
simulate          runs the functions until nothing changes
applied           server-side apply in memory
leaves            an object as the paths of `managedFields`
predicted_changes the changes by object and field, and which pods are replaced
render            the objects as manifests
"""
