"""Why a resource is not Ready, and what to do: facts are collected first, then concluded from.

collect        reads the facts
facts          what was collected
verdict        the conclusion: one sentence and the next steps
causes         what keeps a resource from being Ready, one cause after the other
findings       what keeps pods from running
node_causes    nodes of another architecture
child          what others do to an object that functions write
function_parts a function's Trigger and Knative Service
running        images, nodes and power models of a Kepler
"""
