"""The reconcile protocol explored: its own code, in every order in which several workers can take turns."""
