"""Our own log: one structured line per thing that happened, JSON on standard error.

The event is constant (`incident opened`); all that varies is in fields with OpenTelemetry's names. Content of
telemetry, notes, documents or prompts never goes here: ids and counts do.
"""

import logging
import sys
from datetime import UTC, datetime

import orjson
from opentelemetry import trace


class Logger:
    """Writes lines for one module."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: object) -> None:
        self._logger.debug(event, extra={"fields": fields})

    def info(self, event: str, **fields: object) -> None:
        """A domain object changed its state."""
        self._logger.info(event, extra={"fields": fields})

    def warning(self, event: str, **fields: object) -> None:
        """A promise is kept in a poorer way."""
        self._logger.warning(event, extra={"fields": fields})

    def error(self, event: str, error: BaseException | None = None, **fields: object) -> None:
        """Somebody must look; `error` brings its trace along."""
        self._logger.error(event, exc_info=error, extra={"fields": fields})


def logger(name: str) -> Logger:
    """The logger of a module: `log = logger(__name__)`."""
    return Logger(name)


def configure(service: str, level: str = "INFO") -> None:
    """Sends every line of this process to standard error as JSON, with the service's name and the trace id."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("asyncio", "httpx", "httpcore", "sentence_transformers", "transformers", "drain3", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "event": record.getMessage(),
            "service.name": self._service,
            "logger": record.name,
        }
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line["trace_id"] = format(span.trace_id, "032x")
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()
