"""What an apply would change: the functions run in memory, on what the API server would keep.

rehearse          the API server's dry run of the user's apply
predict           what lies in memory before the functions begin
simulate          the functions run until nothing changes
applied           server-side apply in memory
leaves            an object as the paths of `managedFields`
predicted_changes the changes by object and field, and which pods are replaced
render            the objects as manifests
"""
