"""Who calls whom, from spans: `call.duration` and `call.errors` of the callee, by caller.

A call is a span whose parent belongs to another service. Spans of one trace come in many requests and in any order, so
both are remembered for a while: the service of a span, and children whose parent has not been seen yet.
"""

from collections import OrderedDict
from collections.abc import Iterable

from services.ingestion.records import Span
from services.ingestion.span_metrics import Operations, Tallies

_Key = tuple[bytes, bytes]


class CallGraph:
    """Joins spans with their parents over requests. memory: how many spans are remembered of each kind."""

    def __init__(self, operations: Operations, *, memory: int = 100_000) -> None:
        self._operations = operations
        self._memory = memory
        self._services: OrderedDict[_Key, str] = OrderedDict()
        self._orphans: OrderedDict[_Key, list[tuple[str, str, int, float, bool]]] = OrderedDict()

    def join(self, spans: Iterable[Span]) -> Tallies:
        """The calls that these spans complete."""
        spans = list(spans)
        tallies = Tallies()
        for span in spans:
            self._services[span.trace_id, span.span_id] = span.service
        for span in spans:
            key = (span.trace_id, span.span_id)
            for child in self._orphans.pop(key, ()):
                self._call(tallies, span.service, child)
            if span.parent_span_id:
                parent = (span.trace_id, span.parent_span_id)
                seen = (span.service, self._operations.name(span.service, span.operation), span.ended_at,
                        span.duration_s, span.is_error)
                caller = self._services.get(parent)
                if caller is None:
                    self._orphans.setdefault(parent, []).append(seen)
                else:
                    self._call(tallies, caller, seen)
        for memory in (self._services, self._orphans):
            while len(memory) > self._memory:
                memory.popitem(last=False)
        return tallies

    def _call(self, tallies: Tallies, caller: str, child: tuple[str, str, int, float, bool]) -> None:
        service, operation, at, duration_s, is_error = child
        if caller != service:
            tallies.add((service, operation, caller), at, duration_s, is_error)
