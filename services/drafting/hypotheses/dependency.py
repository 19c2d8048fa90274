"""Services that are not ours: seen only from the outside, by those who call them or by their address."""

import re

from services.drafting.hypotheses.graph import CallGraph
from services.drafting.hypotheses.measures import Measure, meaning
from services.drafting.observations import Observations

_ADDRESS = re.compile(r"^(https?://|[a-z0-9-]+(\.[a-z0-9-]+)*\.(com|net|org|io|dev|cloud|gov|edu)\b)", re.IGNORECASE)
# What only somebody who runs a service can measure of it.
_FROM_INSIDE = frozenset({Measure.CPU, Measure.MEMORY, Measure.DISK, Measure.DESCRIPTORS, Measure.THREADS,
                          Measure.RESTARTS})


def third_parties(observations: Observations, graph: CallGraph) -> frozenset[str]:
    """Services that are called, call nobody, and of which nothing is known from inside; and public addresses."""
    inside = {operation.service for operation in observations.operations}
    inside |= {pattern.service for pattern in observations.log_patterns}
    inside |= {series.service for series in observations.series
               if meaning(series.metric_name, series.unit).measure in _FROM_INSIDE}
    measured = {series.service for series in observations.series}
    called = set(graph.callers) - set(graph.callees) - measured
    named = measured | set(graph.callers)
    return frozenset((called - inside) | {service for service in named - inside if _ADDRESS.match(service)})
