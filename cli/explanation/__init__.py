"""Why a resource is not Ready, and what to do: collects facts first, then draws conclusions from them.

collect        reads the facts
facts          the facts, as dataclasses
verdict        the conclusion: one sentence and the next steps
causes         the causes that keep a resource from being Ready, in order
findings       the problems that keep pods from running
node_causes    nodes of another architecture
child          what others change in an object that functions write
function_parts a function's Trigger and Knative Service
running        images, nodes and power models of a Kepler
"""
