"""The reasons of conditions: what each means and what to do. For `docs/troubleshooting.md` and the console. Pure.

reason_entry     one reason
decision_reasons reasons of what functions decide, and of writes that the API server refuses
workload_reasons reasons of what runs: pods, nodes, machines, and `Ready`
troubleshooting  the page and the console's script
"""
