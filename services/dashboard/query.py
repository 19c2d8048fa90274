"""What to look for in memory: from the words of a request, or from an incident and its card."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from afteraction.v1.card_pb2 import Card
from afteraction.v1.document_pb2 import DocumentKind
from afteraction.v1.evidence_pb2 import EvidenceKind
from afteraction.v1.incident_pb2 import Incident, Severity
from afteraction.v1.memory_service_pb2 import Filter, Query, SearchSimilarRequest
from shared.errors import InvalidArgument
from shared.timestamps import to_proto

_KINDS = {"postmortem": DocumentKind.DOCUMENT_KIND_POSTMORTEM, "runbook": DocumentKind.DOCUMENT_KIND_RUNBOOK}
_MOST = 100


def from_incident(incident: Incident, card: Card | None) -> Query:
    """The query that an incident makes: its services, alerts, symptoms, log patterns and probable causes."""
    alerts = [entry.event.alert for entry in incident.timeline if entry.event.HasField("alert")]
    query = Query(
        text=incident.title,
        services=_unique(incident.services or [incident.service]),
        alert_names=_unique(alert.alert_name for alert in alerts),
        symptoms=_unique(_symptom(anomaly.service, anomaly.metric_name) for anomaly in incident.anomalies),
        tags=_unique(incident.tags),
        runbook_urls=_unique(alert.runbook_url for alert in alerts)[:50],
    )
    if card is not None:
        query.symptoms.extend(_unique(statement.text for statement in card.situation)[: _MOST - len(query.symptoms)])
        query.probable_causes.extend(_unique(each.mechanism.text for each in card.hypotheses))
        # The line itself: the sentence around it says how often, which no past incident shares.
        query.log_patterns.extend(_unique(
            each.values.get("template", "") or each.example or each.statement
            for each in card.evidence if each.kind == EvidenceKind.EVIDENCE_KIND_LOG_PATTERN))
    return query


PARAMETERS = ("q", "incident", "service", "tag", "severity", "kind", "occurred_after", "occurred_before", "limit",
              "stream", "include_weak", "min_position")


def check_known(names: Iterable[str]) -> None:
    """Raises InvalidArgument for a parameter that no search has: what was meant as a filter would filter nothing."""
    for name in names:
        if name not in PARAMETERS:
            raise InvalidArgument(f"{name[:40]!r} is none of {', '.join(PARAMETERS)}", reason="BAD_PARAMETER",
                                  field=name[:40])


def search_request(parameters: Mapping[str, str], repeated: Mapping[str, Sequence[str]],
                   query: Query | None = None) -> SearchSimilarRequest:
    """The request that an address asks for, by `PARAMETERS`. Raises InvalidArgument on a value that cannot be."""
    request = SearchSimilarRequest(query=query or Query())
    if parameters.get("q"):
        request.query.text = parameters["q"]
    request.filter.CopyFrom(Filter(
        kinds=[_one_of(_KINDS, kind, "kind") for kind in repeated.get("kind", ()) if kind],
        services=[each for each in repeated.get("service", ()) if each],
        tags=[each for each in repeated.get("tag", ()) if each],
        severities=[severity(each) for each in repeated.get("severity", ()) if each],
        occurred_after=_time(parameters, "occurred_after"),
        occurred_before=_time(parameters, "occurred_before"),
    ))
    request.limit = _number(parameters, "limit", most=100)
    request.min_position = _number(parameters, "min_position", most=2**62)
    request.stream = parameters.get("stream", "")
    request.include_weak = parameters.get("include_weak", "") in ("1", "true")
    return request


def _symptom(service: str, metric: str) -> str:
    return f"{metric} of {service}" if service else metric


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))[:_MOST]


def severity(text: str) -> "Severity.ValueType":
    try:
        return Severity.Value(f"SEVERITY_{text.upper()}")
    except ValueError:
        raise InvalidArgument(f"severity {text!r} is none of P1, P2, P3, P4", reason="BAD_PARAMETER",
                              field="severity") from None


def _one_of(choices: "Mapping[str, DocumentKind.ValueType]", text: str, field: str) -> "DocumentKind.ValueType":
    if text not in choices:
        raise InvalidArgument(f"{field} {text!r} is none of {', '.join(choices)}", reason="BAD_PARAMETER", field=field)
    return choices[text]


def _time(parameters: Mapping[str, str], field: str) -> Timestamp | None:
    """A date or a time; without a zone it is UTC."""
    if not (text := parameters.get(field, "")):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidArgument(f"{field} {text[:40]!r} is not a time like 2026-01-31 or 2026-01-31T10:00Z",
                              reason="BAD_PARAMETER", field=field) from None
    return to_proto(at if at.tzinfo else at.replace(tzinfo=UTC))


def _number(parameters: Mapping[str, str], field: str, *, most: int) -> int:
    text = parameters.get(field, "") or "0"
    if not text.isdecimal() or int(text[:25]) > most:
        raise InvalidArgument(f"{field} {text[:40]!r} is not a number from 0 to {most}", reason="BAD_PARAMETER",
                              field=field)
    return int(text)
