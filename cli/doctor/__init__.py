"""Is the installation complete? Checks over what was seen, each pure, and the order in which they are told."""
