"""A recorded incident of an invented shop, as the messages that detection, ingestion and memory would answer with.

`orders` gets release 5.1.0 at 10:00, which asks its store once per line of a basket; from 10:14 its pool is empty; a
note says why at 10:21; the rollback of 10:30 is followed by recovery at 10:37.
"""

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from afteraction.v1 import (
    document_pb2,
    event_pb2,
    evidence_pb2,
    incident_pb2,
    memory_service_pb2,
    runbook_pb2,
    series_pb2,
)
from shared.timestamps import to_proto

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return DAY + timedelta(hours=hour, minutes=minute, seconds=second)


ONSET, DETECTED, RECOVERED, RESOLVED = at(10, 14), at(10, 15), at(10, 37), at(10, 42)
NOTE = ("Since 5.1.0 every line of a basket is its own query and the pool of 8 is exhausted. "
        "The pool size is documented nowhere.")


def deploy(*, version: str = "5.1.0", minute: int = 0, is_rollback: bool = False) -> event_pb2.Event:
    return event_pb2.Event(
        id=f"deploy-{version}", occurred_at=to_proto(at(10, minute)), service="orders", source="pipeline",
        attributes={"load_test": "skipped"} if not is_rollback else {},
        deploy=event_pb2.Deploy(
            version=version, previous_version="5.0.9" if not is_rollback else "5.1.0", instances=2,
            is_rollback=is_rollback,
            url="https://git.example.org/orders/5.1.0", changed_files=["app/basket.py"] if not is_rollback else [],
            watch_window=Duration(seconds=300) if not is_rollback else None,
            description="Baskets: load lines one by one" if not is_rollback else ""))


def page() -> event_pb2.Event:
    return event_pb2.Event(id="page-1", occurred_at=to_proto(at(10, 18)), service="orders", source="pager",
                           page=event_pb2.Page(state=event_pb2.Page.STATE_SENT, target="orders on-call",
                                               summary="orders answers with HTTP 500"))


def note(text: str = NOTE, minute: int = 21) -> event_pb2.Event:
    return event_pb2.Event(id=f"note-{minute}", occurred_at=to_proto(at(10, minute)), service="orders", source="chat",
                           note=event_pb2.Note(author="on-call", text=text))


def events() -> list[event_pb2.Event]:
    return [deploy(), page(), note(), deploy(version="5.0.9", minute=30, is_rollback=True)]


def anomaly(*, is_over: bool) -> incident_pb2.Anomaly:
    return incident_pb2.Anomaly(
        service="orders", operation="POST /baskets", signal=incident_pb2.SIGNAL_ERRORS, metric_name="error share",
        unit="share", onset_at=to_proto(ONSET), detected_at=to_proto(DETECTED),
        recovered_at=to_proto(RECOVERED) if is_over else None, observed=0.083, baseline=0.0012, spread=0.004, z=12.4,
        peak_observed=0.27, peak_z=55.1, peak_at=to_proto(at(10, 25)), current=0.2 if not is_over else 0.001,
        is_opening=True)


def incident(*, name: str = "incidents/orders1", stream: str = "live", is_over: bool = False) -> incident_pb2.Incident:
    entries = [incident_pb2.TimelineEntry(occurred_at=to_proto(DETECTED), kind=incident_pb2.TimelineEntry.KIND_OPENED,
                                          text="opened")]
    if is_over:
        entries.append(incident_pb2.TimelineEntry(occurred_at=to_proto(RESOLVED), text="resolved",
                                                  kind=incident_pb2.TimelineEntry.KIND_RESOLVED))
    return incident_pb2.Incident(
        name=name, stream=stream, title="orders: error share of POST /baskets",
        state=incident_pb2.INCIDENT_STATE_RESOLVED if is_over else incident_pb2.INCIDENT_STATE_OPEN,
        severity=incident_pb2.SEVERITY_P1, severity_reason="error share 8.3 % of requests", service="orders",
        services=["orders", "shop"], onset_at=to_proto(ONSET), detected_at=to_proto(DETECTED),
        recovered_at=to_proto(RECOVERED) if is_over else None, resolved_at=to_proto(RESOLVED) if is_over else None,
        anomalies=[anomaly(is_over=is_over)], timeline=entries,
        changes=[incident_pb2.Change(event=deploy(), before_onset=Duration(seconds=840), hops=0)],
        call_graph=[incident_pb2.CallEdge(caller="shop", callee="orders")], revision=2 if is_over else 1)


def stamp(time: datetime) -> Timestamp:
    """The message for a time that is known to be there."""
    message = to_proto(time)
    assert message is not None
    return message


def requests(status: str, *, operation: str = "/baskets", per_minute: float, before: float) -> evidence_pb2.Observation:
    """A request metric of 10:13 to 10:42, per minute; `per_minute` from 10:14 to 10:37, `before` around it and in the
    hour before."""
    times = [at(10, minute) for minute in range(13, 43)]
    counts = [per_minute if ONSET < time <= RECOVERED else before for time in times]
    return evidence_pb2.Observation(series=evidence_pb2.SeriesWindow(
        series=series_pb2.Series(
            service="orders", metric_name="http.server.request.duration", unit="s",
            type=series_pb2.SERIES_TYPE_DELTA_HISTOGRAM, source=series_pb2.SERIES_SOURCE_METRIC,
            attributes={"http.request.method": "POST", "http.route": operation, "http.response.status_code": status}),
        times=[stamp(time) for time in times], values=[0.2] * len(times), counts=counts, baseline_median=0.2,
        baseline_spread=0.02, baseline_points=60, baseline_counts=[before] * 60, baseline_values=[0.2] * 60))


def pool_metric() -> evidence_pb2.Observation:
    times = [at(10, minute) for minute in range(13, 43)]
    values = [8.0 if ONSET < time <= RECOVERED else 3.0 for time in times]
    return evidence_pb2.Observation(series=evidence_pb2.SeriesWindow(
        series=series_pb2.Series(
            service="orders", metric_name="db.client.connection.count", unit="{connection}",
            type=series_pb2.SERIES_TYPE_GAUGE, source=series_pb2.SERIES_SOURCE_METRIC,
            attributes={"db.client.connection.state": "used"}),
        times=[stamp(time) for time in times], values=values, baseline_median=3.0, baseline_spread=0.4,
        baseline_points=60, baseline_values=[2.6, 3.0, 3.4] * 20, extreme_value=8.0, extreme_at=to_proto(at(10, 16)),
        extreme_z=12.5, departed_at=to_proto(at(10, 15))))


def counter() -> evidence_pb2.Observation:
    """Timeouts of the pool, in each minute and so many a second."""
    times = [at(10, minute) for minute in range(13, 43)]
    counts = [2478.0 if ONSET < time <= RECOVERED else 6.0 for time in times]
    return evidence_pb2.Observation(series=evidence_pb2.SeriesWindow(
        series=series_pb2.Series(service="orders", metric_name="pool.timeouts", unit="{timeout}",
                                 type=series_pb2.SERIES_TYPE_CUMULATIVE, source=series_pb2.SERIES_SOURCE_METRIC),
        times=[stamp(time) for time in times], values=[count / 60 for count in counts], counts=counts,
        baseline_median=0.0, baseline_points=60, baseline_values=[0.0] * 60, baseline_counts=[0.0] * 60))


def pattern(example: str = "PoolTimeout: no free connection in pool after 500 ms") -> evidence_pb2.Observation:
    return evidence_pb2.Observation(log_pattern=evidence_pb2.LogPatternWindow(
        service="orders", pattern="p1", severity="ERROR",
        template="PoolTimeout: no free connection in pool after <*> ms",
        count=2310, baseline_count=0, first_seen_at=to_proto(at(10, 14, 12)), last_seen_at=to_proto(at(10, 36, 50)),
        change=evidence_pb2.PATTERN_CHANGE_NEW, example=example, example_at=to_proto(at(10, 14, 12))))


def operation(name: str, kind: str, count: int, baseline: int, errors: int = 0) -> evidence_pb2.Observation:
    return evidence_pb2.Observation(operation=evidence_pb2.OperationWindow(
        service="orders", operation=name, span_kind=kind, count=count, errors=errors, baseline_count=baseline,
        baseline_errors=0, p50_s=0.2, p95_s=0.7, baseline_p50_s=0.15, baseline_p95_s=0.3, window_s=1700,
        baseline_s=3600,
        first_error_at=to_proto(at(10, 14, 10)) if errors else None))


def observations(*extra: evidence_pb2.Observation) -> list[evidence_pb2.Observation]:
    return [
        *(evidence_pb2.Observation(event=event) for event in events()),
        requests("200", per_minute=800.0, before=600.0), requests("500", per_minute=100.0, before=0.5),
        pool_metric(), pattern(), operation("POST /baskets", "server", 400, 700, errors=60),
        operation("SELECT", "client", 2000, 700), *extra]


def past() -> memory_service_pb2.SearchResult:
    return memory_service_pb2.SearchResult(
        document=document_pb2.Document(
            name="documents/d1", kind=document_pb2.DOCUMENT_KIND_POSTMORTEM, title="Billing ran out of connections",
            services=["billing"], source_id="postmortems/p7", resolution="Rolled back to 2.0.", markdown="x",
            occurred_at=to_proto(at(0, 0) - timedelta(days=40))),
        score=0.83, reasons=["shares the words pool, connection"],
        passage=document_pb2.Passage(document="documents/d1", text="The pool of billing was empty."))


def runbook() -> runbook_pb2.Runbook:
    return runbook_pb2.Runbook(name="runbooks/r1", title="Empty pool", service="billing", document="documents/d2",
                               diagnosis_steps=["Count the queries of a request"], mitigation_steps=["Roll back"],
                               times_used=2)


def found_runbook() -> memory_service_pb2.SearchResult:
    return memory_service_pb2.SearchResult(
        document=document_pb2.Document(name="documents/d2", kind=document_pb2.DOCUMENT_KIND_RUNBOOK, title="Empty pool",
                                       markdown="x"), score=0.7, runbook="runbooks/r1")
