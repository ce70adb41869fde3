"""One module a function: what wakes it, what it reads, and its pure `desired`. Nothing here touches the network."""
