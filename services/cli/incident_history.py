"""Incidents that a team had before: rows of a CSV file, or alerts as Alertmanager tells them, to documents for memory.

They become documents and not incidents: nobody was there to see when they were detected or acknowledged, so that every
number of the insights would be made up, and reminders would go out for post-mortems of years ago.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from afteraction.v1.document_pb2 import DOCUMENT_KIND_POSTMORTEM, Document
from afteraction.v1.incident_pb2 import Severity
from services.cli.replay_lines import MalformedLine, moment
from shared.timestamps import to_proto

# Names of columns, as trackers and spreadsheets have them.
_COLUMNS = {
    "id": ("id", "key", "number", "incident", "reference", "issue key"),
    "title": ("title", "summary", "name", "short description"),
    "service": ("service", "services", "component", "components", "affected service", "business service", "system"),
    "severity": ("severity", "priority", "sev", "impact level"),
    "started": ("started", "start", "started at", "start time", "onset", "opened", "opened at", "created", "created at",
                "detected", "detected at", "date"),
    "ended": ("ended", "end", "ended at", "end time", "resolved", "resolved at", "closed", "closed at"),
    "cause": ("cause", "root cause", "reason", "what happened"),
    "resolution": ("resolution", "fix", "mitigation", "how it was fixed", "close notes", "workaround"),
    "description": ("description", "details", "notes", "impact"),
    "alert": ("alert", "alert name", "alertname"),
    "url": ("url", "link", "ticket", "postmortem"),
}
_SEVERITIES = {
    1: ("1", "p1", "sev1", "sev-1", "critical", "highest", "blocker", "page"),
    2: ("2", "p2", "sev2", "sev-2", "high", "major", "error"),
    3: ("3", "p3", "sev3", "sev-3", "medium", "moderate", "warning", "minor"),
    4: ("4", "p4", "sev4", "sev-4", "low", "lowest", "info", "none"),
}
_SERVICE_LABELS = ("service", "service_name", "app", "app_kubernetes_io_name", "job", "deployment", "namespace")
# Alerts of one service that begin so shortly after the one before are one incident.
_SAME_INCIDENT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class _Alert:
    name: str
    service: str
    severity: str
    started: datetime
    ended: datetime | None
    words: tuple[str, ...]


#: What becomes of a row that cannot be read.
Refuse = Callable[[MalformedLine], None]


def _raise(error: MalformedLine) -> None:
    raise error


def from_csv(text: str, source: str, refuse: Refuse = _raise) -> Iterator[Document]:
    """A document for each row; one that cannot be read goes to `refuse`, with its line and column. Raises MalformedLine
    where the file as a whole says nothing."""
    text = text.lstrip("\ufeff")
    head = text.partition("\n")[0]
    delimiter = max(",;\t|", key=head.count)
    try:
        yield from _from_rows(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter), source, refuse)
    except csv.Error as error:
        raise MalformedLine(f"{source} is no CSV: {error}") from error


def _from_rows(rows: "csv.DictReader[str]", source: str, refuse: Refuse) -> Iterator[Document]:
    known = {_plain(name): name for name in rows.fieldnames or ()}
    place = {key: known[alias] for key, aliases in _COLUMNS.items() for alias in reversed(aliases) if alias in known}
    missing = [key for key in ("title", "started") if key not in place]
    if missing:
        wanted = "; ".join(f"{key}: {', '.join(_COLUMNS[key])}" for key in missing)
        raise MalformedLine(f"{source} has no column for {' and '.join(missing)}; one of these is read as {wanted}")
    for number, row in enumerate(rows, 2):
        said = {key: (row.get(name) or "").strip() for key, name in place.items()}
        if not any(said.values()):
            continue
        empty = [repr(place[key]) for key in ("title", "started") if not said[key]]
        if empty:
            refuse(MalformedLine(f"{source} line {number}: the column {' and '.join(empty)} is empty"))
            continue
        try:
            document = _from_row(said, source, number)
        except MalformedLine as error:
            refuse(error)
        else:
            yield document


def from_alertmanager(text: str, source: str, refuse: Refuse = _raise) -> Iterator[Document]:
    """A document for each run of alerts of a service: of the JSON of /api/v2/alerts and amtool, or of webhooks, one a
    line. An alert that cannot be read goes to `refuse`. Raises MalformedLine where it is no JSON."""
    alerts = sorted(_readable(_alerts(text, source), source, refuse), key=lambda each: each.started)
    runs: dict[str, list[_Alert]] = {}
    for alert in alerts:
        run = runs.get(alert.service, [])
        if run and alert.started - run[-1].started > _SAME_INCIDENT:
            yield _from_run(run)
            run = []
        runs[alert.service] = [*run, alert]
    for run in runs.values():
        yield _from_run(run)


def _readable(alerts: Iterable[Any], source: str, refuse: Refuse) -> Iterator[_Alert]:
    for each in alerts:
        try:
            alert = _alert(each, source)
        except MalformedLine as error:
            refuse(error)
        else:
            yield alert


def _from_row(said: Mapping[str, str], source: str, number: int) -> Document:
    started = _time(said["started"], f"{source} line {number}")
    ended = _time(said["ended"], f"{source} line {number}") if said.get("ended") else None
    services = [each.strip() for each in said.get("service", "").replace(";", ",").split(",") if each.strip()]
    parts = (
        ("Summary", "\n\n".join(filter(None, (_lasted(started, ended), said.get("description", ""))))),
        ("Root cause", said.get("cause", "")),
        ("Resolution", said.get("resolution", "")),
    )
    return _document(
        identity=said.get("id") or f"{started.isoformat()} {said['title']}",
        title=said["title"],
        parts=parts,
        services=services,
        severity=said.get("severity", ""),
        started=started,
        alerts=[said["alert"]] if said.get("alert") else [],
        resolution=said.get("resolution", ""),
        url=said.get("url", ""),
    )


def _from_run(run: list[_Alert]) -> Document:
    first = run[0]
    names = list(dict.fromkeys(alert.name for alert in run))
    ends = [alert.ended for alert in run]
    ended = max((at for at in ends if at), default=None) if all(ends) else None
    words = list(dict.fromkeys(word for alert in run for word in alert.words))
    listed = [f"- {alert.started:%Y-%m-%d %H:%M:%S}Z {alert.name}" for alert in run[:200]]
    return _document(
        identity=f"{first.started.isoformat()} {first.service} {first.name}",
        title=f"{', '.join(names[:3])}{' and others' if len(names) > 3 else ''} on {first.service}",
        parts=(("Summary", "\n\n".join([_lasted(first.started, ended), *words[:20]])), ("Timeline", "\n".join(listed))),
        services=[first.service],
        severity=min((alert.severity for alert in run), key=_severity),
        started=first.started,
        alerts=names[:200],
    )


def _document(
    *,
    identity: str,
    title: str,
    parts: Iterable[tuple[str, str]],
    services: list[str],
    severity: str,
    started: datetime,
    alerts: list[str],
    resolution: str = "",
    url: str = "",
) -> Document:
    body = "\n\n".join(f"## {heading}\n\n{words}" for heading, words in parts if words)
    return Document(
        kind=DOCUMENT_KIND_POSTMORTEM,
        title=title[:1024],
        markdown=f"# {title}\n\n{body}\n",
        services=services[:200],
        severity=Severity.ValueType(min(_severity(severity), 4)) if severity else Severity.SEVERITY_UNSPECIFIED,
        occurred_at=to_proto(started),
        alert_names=alerts,
        resolution=resolution[:4000],
        url=url[:2048] if url.startswith(("https://", "http://")) else "",
        source_id=f"history/{hashlib.sha256(identity.encode()).hexdigest()[:24]}",
    )


def _alerts(text: str, source: str) -> Iterator[Mapping[str, Any]]:
    try:
        documents = [json.loads(text)]
    except json.JSONDecodeError:
        documents = []
        for number, line in enumerate(text.splitlines(), 1):
            try:
                documents += [json.loads(line)] if line.strip() else []
            except json.JSONDecodeError as error:
                raise MalformedLine(f"{source} line {number} is no JSON: {error}") from error
    for document in documents:
        found = document if isinstance(document, list) else [document]
        for each in found:
            yield from each["alerts"] if isinstance(each, dict) and isinstance(each.get("alerts"), list) else [each]


def _alert(said: Any, source: str) -> _Alert:
    labels = said.get("labels") if isinstance(said, dict) else None
    if not isinstance(labels, dict) or not labels.get("alertname") or not said.get("startsAt"):
        raise MalformedLine(f"{source} has an alert without labels.alertname or startsAt")
    notes = said.get("annotations") or {}
    ended = _time(said["endsAt"], source) if said.get("endsAt") else None
    return _Alert(
        name=str(labels["alertname"]),
        service=next((str(labels[name]) for name in _SERVICE_LABELS if labels.get(name)), "unknown"),
        severity=str(labels.get("severity", "")),
        started=_time(said["startsAt"], source),
        # Alertmanager says the year 1 of what has not ended.
        ended=ended if ended and ended.year > 1 else None,
        words=tuple(str(notes[name]) for name in ("summary", "description", "message") if notes.get(name)),
    )


def _severity(text: str) -> int:
    plain = text.strip().casefold().split(" ")[0]
    return next((level for level, words in _SEVERITIES.items() if plain in words), 5)


def _time(text: str, where: str) -> datetime:
    try:
        return moment(text.strip().replace(" UTC", "Z"))
    except MalformedLine as error:
        raise MalformedLine(f"{where}: {error}") from None


def _lasted(started: datetime, ended: datetime | None) -> str:
    begun = f"Began at {started:%Y-%m-%d %H:%M} UTC"
    return f"{begun} and lasted {(ended - started).total_seconds() / 60:.0f} minutes." if ended else f"{begun}."


def _plain(name: str) -> str:
    return " ".join(name.strip().casefold().replace("_", " ").replace("-", " ").split())
