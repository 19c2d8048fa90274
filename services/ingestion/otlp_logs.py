"""OTLP log records to values, before their pattern is known."""

import orjson
from opentelemetry.proto.logs.v1 import logs_pb2

from services.ingestion.attributes import Redact, plain, resource, storable
from services.ingestion.records import Line
from services.ingestion.rejections import Rejections

_LATEST = 2**63 - 1
# Longer bodies are cut, and say so: a 10 MB line is an accident, and its beginning tells of what kind.
LONGEST_BODY = 16_384
CUT = " …[truncated]"
_TEXTS = {"TRACE": "TRACE", "DEBUG": "DEBUG", "INFO": "INFO", "INFORMATION": "INFO", "NOTICE": "INFO", "WARN": "WARN",
          "WARNING": "WARN", "ERROR": "ERROR", "ERR": "ERROR", "SEVERE": "ERROR", "FATAL": "FATAL",
          "CRITICAL": "FATAL", "CRIT": "FATAL", "EMERG": "FATAL", "ALERT": "FATAL", "PANIC": "FATAL"}
_NUMBERS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def severity(number: int, text: str) -> str:
    """One of OpenTelemetry's six names; empty where the sender said nothing."""
    if 1 <= number <= 24:
        return _NUMBERS[(number - 1) // 4]
    return _TEXTS.get(text.strip().upper(), "") if text else ""


def read(body: bytes, redact: Redact, rejections: Rejections, *, arrived_at: int) -> list[Line]:
    """The lines of an ExportLogsServiceRequest. Raises DecodeError when it is none.

    arrived_at: Unix nanoseconds, for lines whose sender knew neither when they happened nor when it saw them.
    """
    found = []
    for part in logs_pb2.LogsData.FromString(body).resource_logs:
        service = resource(part.resource, redact).service
        for scope in part.scope_logs:
            for record in scope.log_records:
                at = record.time_unix_nano or record.observed_time_unix_nano or arrived_at
                if at > _LATEST:
                    rejections.add("time_unix_nano is beyond 2262")
                    continue
                found.append(Line(service, at, severity(record.severity_number, record.severity_text),
                                  redact("", _body(record)), record.trace_id, record.span_id))
    return found


def _body(record: logs_pb2.LogRecord) -> str:
    """The text of a record, with the stack trace that semantic conventions keep beside it."""
    value = record.body
    text = value.string_value if value.HasField("string_value") else _structured(record)
    for pair in record.attributes:
        if pair.key == "exception.stacktrace" and pair.value.string_value not in text:
            text = f"{text}\n{pair.value.string_value}"
    return storable(text if len(text) <= LONGEST_BODY else text[:LONGEST_BODY] + CUT)


def _structured(record: logs_pb2.LogRecord) -> str:
    """What a body that is a map says: its message, where it has one, else all of it."""
    found = plain(record.body)
    if isinstance(found, dict):
        for key in ("message", "msg", "log"):
            if isinstance(found.get(key), str):
                return str(found[key])
    return record.event_name if found is None else orjson.dumps(found, default=str).decode()
