"""A sentence that cannot exist without evidence, and the check that nothing in it was made up.

`Statement` refuses to be made without evidence. `unsupported` reads a statement again and names every number, time,
version and name in it that the evidence which it cites does not hold: a time is held when it is one of the evidence's
times, a duration when it lies between two of them, anything else when it stands in the evidence's words or values.
A service of the incident that is written like a plain word is known as a name from the other evidence, and where a
sentence tells a stretch of time by both of its ends, its length must be theirs.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations

from services.drafting.evidence import Evidence
from shared.plain_text import CLOSE_QUOTE, OPEN_QUOTE

_QUOTED = re.compile(f"{OPEN_QUOTE}([^{CLOSE_QUOTE}]*){CLOSE_QUOTE}")
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_CLOCK = re.compile(r"\b([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?\b")
_STRETCH = re.compile(r"(?<![\d:])(\d\d):(\d\d)(?::(\d\d))? to (\d\d):(\d\d)(?::(\d\d))?(?![\d:])")
_DURATION = re.compile(r"\b(\d[\d,]*(?:\.\d+)?) (seconds?|minutes?|hours?|days?)\b")
# Names as programs write them: parts joined by something that prose does not join words with.
_NAME = re.compile(r"(?<![\w./-])[A-Za-z][\w]*(?:[._/:-]+\w+)+")
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
# A version of three parts and more is a name, not a number with something behind it.
_VERSION = re.compile(r"(?<![\w.])\d+(?:\.\d+){2,}(?:[-+.]\w+)*")
# «95th percentile» of a measure whose name says p95.
_PERCENTILE = re.compile(r"\b(\d+(?:\.\d)?)(?:st|nd|rd|th) percentile")
_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
# English words with a hyphen that are no program's names.
_PROSE = frozenset(
    {
        "post-mortem",
        "post-mortems",
        "third-party",
        "on-call",
        "read-only",
        "follow-up",
        "roll-back",
        "long-term",
        "short-term",
    }
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence and the ids of the evidence that it rests on. Raises ValueError without evidence or words."""

    text: str
    evidence: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.evidence or not all(self.evidence):
            raise ValueError(f"a statement rests on evidence, and this one has none: {self.text!r}")
        if not self.text.strip():
            raise ValueError("a statement has words")


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Something in a statement that its evidence does not hold."""

    statement: Statement
    what: str


def unsupported(statement: Statement, evidence: Mapping[str, Evidence]) -> tuple[Unsupported, ...]:
    """What the statement says beyond its evidence; empty when all of it is held.

    evidence: by id; an id that is not there is itself unsupported.
    """
    missing = [identifier for identifier in statement.evidence if identifier not in evidence]
    if missing:
        return tuple(Unsupported(statement, f"evidence {identifier}") for identifier in missing)
    cited = [evidence[identifier] for identifier in statement.evidence]
    words = "\n".join(_words(one) for one in cited)
    times = sorted({time for one in cited for time in _times(one)})
    claims = (*_claims(statement.text, words, times), *_strange_services(statement.text, words, evidence.values()))
    return tuple(Unsupported(statement, what) for what in dict.fromkeys(claims))


def unsupported_in(statements: Iterable[Statement], evidence: Mapping[str, Evidence]) -> tuple[Unsupported, ...]:
    """The same for many."""
    return tuple(found for statement in statements for found in unsupported(statement, evidence))


def quoted(text: str, most: int = 240) -> str:
    """Somebody else's words as a quotation: one line, nothing invisible, cut at `most` characters."""
    visible = "".join(character for character in text if character.isprintable() or character.isspace())
    flat = " ".join(visible.translate(_INNER_QUOTES).split())
    return f"{OPEN_QUOTE}{flat if len(flat) <= most else flat[: most - 1].rstrip() + '…'}{CLOSE_QUOTE}"


_INNER_QUOTES = str.maketrans({OPEN_QUOTE: '"', CLOSE_QUOTE: '"'})


def _claims(text: str, words: str, times: list[datetime]) -> Iterable[str]:
    folded = _plain(words)
    for quote in _QUOTED.findall(text):
        if _plain(quote.rstrip("…")) not in folded:
            yield f"{OPEN_QUOTE}{quote}{CLOSE_QUOTE}"
    rest = _QUOTED.sub(" ", text)
    yield from _wrong_stretches(rest)
    for pattern, is_held in ((_DATE, _date_is_held), (_CLOCK, _clock_is_held), (_DURATION, _duration_is_held)):
        for match in pattern.finditer(rest):
            if not is_held(match, times) and _plain(match[0]) not in folded:
                yield match[0]
        rest = pattern.sub(" ", rest)
    for match in _PERCENTILE.finditer(rest):
        if f"p{match[1].replace('.', '')}" not in folded and _plain(match[0]) not in folded:
            yield match[0]
    rest = _PERCENTILE.sub(" ", rest)
    for match in _VERSION.finditer(rest):
        if re.search(rf"(?<![\d.]){re.escape(_plain(match[0]))}(?![\d]|\.\d)", folded) is None:
            yield match[0]
    rest = _VERSION.sub(" ", rest)
    for match in _NAME.finditer(rest):
        name = match[0].rstrip(".:-/")
        if name.lower() not in _PROSE and _plain(name) not in folded:
            yield name
    rest = _NAME.sub(" ", rest)
    held = {_number(found) for found in _NUMBER.findall(words)}
    for found in _NUMBER.findall(rest):
        if _number(found) not in held:
            yield found


def _strange_services(text: str, words: str, evidence: Iterable[Evidence]) -> Iterable[str]:
    """Services of the incident that the text names and the words do not. Only these are known to be names where they
    look like any other word."""
    rest = _QUOTED.sub(" ", text)
    for service in sorted({name for one in evidence for name in _services(one) if name}):
        if service in rest and _stands_in(service, rest) and not _stands_in(service, words):
            yield service


def _services(evidence: Evidence) -> Iterable[str]:
    return evidence.service, *evidence.values.get("services", "").split(", ")


def _stands_in(name: str, text: str) -> bool:
    """Whether the name stands there by itself and not as part of another."""
    return re.search(rf"(?<![\w/-])(?<!\w[.:]){re.escape(name)}(?![\w/-])(?![.:]\w)", text) is not None


def _words(evidence: Evidence) -> str:
    return "\n".join(
        (
            evidence.statement,
            evidence.service,
            evidence.example,
            evidence.id,
            *(f"{name.removeprefix('attribute.')}: {value}" for name, value in evidence.values.items()),
        )
    )


def _times(evidence: Evidence) -> Iterable[datetime]:
    for time in (evidence.occurred_at, evidence.ended_at):
        if time is not None:
            yield time
    for value in evidence.values.values():
        if len(value) >= 16 and value[4:5] == "-" and value[10:11] == "T":
            try:
                parsed = datetime.fromisoformat(value)
            except ValueError:
                continue
            yield parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _date_is_held(match: "re.Match[str]", times: list[datetime]) -> bool:
    return any(time.date().isoformat() == match[0] for time in times)


def _clock_is_held(match: "re.Match[str]", times: list[datetime]) -> bool:
    return any((f"{time:%H:%M:%S}" if match[3] else f"{time:%H:%M}") == match[0] for time in times)


def _duration_is_held(match: "re.Match[str]", times: list[datetime]) -> bool:
    """Between two of the times, to half of the unit it is told in."""
    unit_s = _SECONDS[match[2].rstrip("s")]
    told_s = _number(match[1]) * unit_s
    decimals = len(match[1].partition(".")[2])
    slack_s = unit_s * 0.5 * 10.0**-decimals + 1e-6
    return any(abs((later - earlier).total_seconds() - told_s) <= slack_s for earlier, later in combinations(times, 2))


def _wrong_stretches(text: str) -> Iterable[str]:
    """`10:14 to 10:37` beside lengths of time of which none is that long, as far as the ends tell."""
    told = [_number(found[1]) * _SECONDS[found[2].rstrip("s")] for found in _DURATION.finditer(text)]
    for found in _STRETCH.finditer(text):
        hours, minutes, seconds, *end = (int(part or 0) for part in found.groups())
        length = (end[0] - hours) * 3600 + (end[1] - minutes) * 60 + end[2] - seconds
        slack = 1.0 if found[3] and found[6] else 60.0
        # Minutes and hours are rounded; what lasts for a day has no place on a clock.
        if told and not any(abs(one - length % 86400) <= max(slack, one / 20) or one >= 86400 for one in told):
            yield found[0]


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _plain(text: str) -> str:
    return " ".join(text.translate(_INNER_QUOTES).split()).casefold()
