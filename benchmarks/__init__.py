"""Measurements: never part of the tests, compared with the run before.

ready            create to `Ready`, and what it costs
watch            when each Kepler became Ready
visible          apply to console
function_process start and memory of a function's process
audit_throughput how fast reports are kept and found
sweep_cost       a sweep over thousands of Keplers
"""
