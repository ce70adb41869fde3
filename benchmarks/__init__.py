"""Measurements: never part of the tests, compared with the run before."""
