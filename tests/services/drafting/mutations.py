"""Sentences with one fact changed, for whoever tests what checks facts: what a slip in a template would leave."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.drafting.statements import Statement
from shared.plain_text import CLOSE_QUOTE, OPEN_QUOTE

_QUOTED = re.compile(f"{OPEN_QUOTE}[^{CLOSE_QUOTE}]*{CLOSE_QUOTE}")
_CLOCK = re.compile(r"\b([01]\d|2[0-3]):([0-5]\d)\b")
_DATE = re.compile(r"\b(\d{4}-\d\d)-(\d\d)\b")
_DURATION = re.compile(r"\b(\d[\d,]*(?:\.\d+)?)(?= (?:seconds?|minutes?|hours?|days?)\b)")
_VERSION = re.compile(r"(?<![\w.])(v?\d+\.\d+\.)(\d+)(?![\w.])")
_NUMBER = re.compile(r"(?<![\w.:-])\d[\d,]*(?:\.\d+)?(?![\w.:-]*\d)(?! (?:seconds?|minutes?|hours?|days?)\b)")


@dataclass(frozen=True, slots=True)
class Mutation:
    """A statement in which one fact is another one. kind: which fact; was: as it read before."""

    kind: str
    was: str
    statement: Statement


def mutations(statement: Statement, services: Sequence[str]) -> Iterator[Mutation]:
    """Every fact of the statement changed by itself. services: those of the case; one takes another's place."""
    text = statement.text
    for kind, pattern in (("time", _CLOCK), ("date", _DATE), ("duration", _DURATION), ("version", _VERSION),
                          ("number", _NUMBER)):
        for found in pattern.finditer(text):
            if not _is_quoted(text, found.start()):
                yield _with(statement, kind, found.start(), found[0], _changed(kind, found))
    for service in services:
        for found in re.finditer(rf"(?<![\w./-]){re.escape(service)}(?![\w/-]|[.:]\w)", text):
            if _is_quoted(text, found.start()):
                continue
            for kind, other in _others(service, services):
                yield _with(statement, kind, found.start(), service, other)
    for quote in _QUOTED.finditer(text):
        words = quote[0][1:-1]
        if len(words) > 4:
            yield _with(statement, "quotation", quote.start() + 1, words, words[: len(words) // 2] + " twice "
                        + words[len(words) // 2 :])


def _changed(kind: str, found: "re.Match[str]") -> str:
    match kind:
        case "time":
            # A minute at which the recorded incident has nothing else.
            return f"{found[1]}:{(int(found[2]) + 13) % 60:02d}"
        case "date":
            return f"{found[1]}-{int(found[2]) % 28 + 1:02d}"
        case "version":
            return f"{found[1]}{int(found[2]) + 1}"
        case _:
            value = found[0].replace(",", "")
            decimals = len(value.partition(".")[2])
            # A wrong one, not a rounded one: by a sixth and at least by three of its last digit.
            return f"{float(value) + max(float(value) / 6, 3 / 10**decimals):.{decimals}f}"


def _others(service: str, services: Sequence[str]) -> Iterable[tuple[str, str]]:
    other = next((one for one in services if one != service), None)
    if other is not None:
        yield "service", other
    yield "unknown service", f"{service}-eu"


def _with(statement: Statement, kind: str, at: int, was: str, new: str) -> Mutation:
    text = statement.text[:at] + new + statement.text[at + len(was) :]
    return Mutation(kind, was, Statement(text, statement.evidence))


def _is_quoted(text: str, at: int) -> bool:
    return any(quote.start() < at < quote.end() for quote in _QUOTED.finditer(text))
