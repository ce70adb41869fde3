"""One module a command: what it asks of the cluster, which pure core answers, and how that is printed."""
