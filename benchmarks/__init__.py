"""Measurements. They are not part of the tests, and are compared with the previous run.

comparison       figures of one operator: create, burst, edit, a label edit that needs no action, drift
operators        the operators that are compared, each on a stack of its own
kopf_operator    the operator by kopf
object_watch     when each object first looked as expected
process_cost     CPU time, memory and requests of processes
page             docs/benchmarks.md
visible          time from apply to the console
function_process CPU time and memory of a function's start
audit_throughput how fast `audit` stores and finds reports
sweep_cost       a sweep over thousands of Keplers
"""
