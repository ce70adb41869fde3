"""Measurements. They are not part of the tests, and are compared with the previous run.

ready            time from create to `Ready`, and API calls
ready_watch      when each Kepler became Ready
visible          time from apply to the console
function_process start and memory of a function's process
audit_throughput how fast `audit` stores and finds reports
sweep_cost       a sweep over thousands of Keplers
"""
