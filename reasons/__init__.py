"""Explains the reasons of conditions and what to do, for `docs/troubleshooting.md` and the console.

reason_entry     one reason
decision_reasons reasons of functions' decisions, and of writes that the API server refuses
workload_reasons reasons about running workloads: pods, nodes, machines, and `Ready`
troubleshooting  the page and the console's script
"""
