"""`kubectl kepler`: the operator from a terminal."""
