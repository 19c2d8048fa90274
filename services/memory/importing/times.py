"""The times that a post-mortem names, as people write them: in headings, bullets, tables, with the date said once.

`times` is what to call. A time of day without a date belongs to the last date named above it; after midnight, when the
clock goes back by more than half a day, to the next. The zone is the one the text names once ("All times in CET"), or
UTC. Zone abbreviations are those that these texts use; where one is ambiguous, the commoner meaning is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
         "sep sept september", "oct october", "nov november", "dec december"), 1)
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
# Hours east of Greenwich.
_ZONES = {
    "utc": 0.0, "gmt": 0.0, "z": 0.0, "bst": 1.0, "wet": 0.0, "cet": 1.0, "cest": 2.0, "eet": 2.0, "eest": 3.0,
    "msk": 3.0, "ist": 5.5, "sgt": 8.0, "jst": 9.0, "aest": 10.0, "aedt": 11.0, "nzst": 12.0, "est": -5.0, "edt": -4.0,
    "cst": -6.0, "cdt": -5.0, "mst": -7.0, "mdt": -6.0, "pst": -8.0, "pdt": -7.0, "pt": -8.0, "et": -5.0,
}  # fmt: skip
_ZONE_SAID = re.compile(
    rf"\b(?:times?|timezone|zone|timestamps|timeline)\b[^.\n|]{{0,40}}?\b(?P<zone>{'|'.join(_ZONES)})\b", re.IGNORECASE
)
_DATE = re.compile(
    rf"""\b(?:(?P<iso>[12]\d{{3}}-\d{{1,2}}-\d{{1,2}})
    |(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?P<month>{_MONTH})\b\.?(?:,?\s+(?P<year>[12]\d{{3}}))?
    |(?P<month2>{_MONTH})\b\.?\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)(?:,?\s+(?P<year2>[12]\d{{3}}))?)""",
    re.IGNORECASE | re.VERBOSE,
)
_CLOCK = re.compile(
    rf"""(?<![\d:.\-/])(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,]\d+)?)?
    \s?(?P<half>[ap]\.?m\.?\b)?(?:\s?(?P<zone>Z\b|(?:{"|".join(z for z in _ZONES if z != "z")})\b|[+-]\d\d:?\d\d\b))?
    (?![\d:])""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A time that the text names, with the line it stands on."""

    at: datetime
    text: str


def times(markdown: str) -> list[Mention]:
    """Every time of day in `markdown` whose date is known, in the order of the text."""
    said = _ZONE_SAID.search(markdown)
    zone = _zone(said["zone"]) if said else UTC
    found: list[Mention] = []
    day = first_date(markdown)
    previous: datetime | None = None
    for line in markdown.split("\n"):
        if len(line) > 4000:
            continue  # a log or a data dump; nobody writes a timeline in lines like these
        for part, is_date in _tokens(line):
            if is_date:
                day, previous = _date(part, day) or day, None
            elif day is not None and (at := _at(part, day, zone)) is not None:
                if previous is not None and previous - at > timedelta(hours=12):
                    day += timedelta(days=1)
                    at += timedelta(days=1)
                previous = at
                found.append(Mention(at.astimezone(UTC), line.strip(" #|-*")))
    return found


def first_date(text: str) -> date | None:
    """The first date in `text` that has a year; the day of an incident stands in its title or its first lines."""
    return next((d for match in _DATE.finditer(text[:200_000]) if (d := _date(match, None))), None)


def _tokens(line: str) -> Iterator[tuple[re.Match[str], bool]]:
    dates = [(match, True) for match in _DATE.finditer(line)]
    clocks = [(match, False) for match in _CLOCK.finditer(line)]
    yield from sorted(dates + clocks, key=lambda each: each[0].start())


def _date(match: re.Match[str], known: date | None) -> date | None:
    """The date of `match`; without a year, in the year of `known`."""
    try:
        if match["iso"]:
            year, month, day = (int(part) for part in match["iso"].split("-"))
            return date(year, month, day)
        year_said = match["year"] or match["year2"]
        if not year_said and known is None:
            return None
        name, number = (match["month"], match["day"]) if match["month"] else (match["month2"], match["day2"])
        return date(int(year_said) if year_said else known.year, _MONTHS[name.lower()], int(number))  # type: ignore[union-attr]
    except ValueError:
        return None


def _at(match: re.Match[str], day: date, zone: timezone) -> datetime | None:
    hour = int(match["hour"])
    if half := match["half"]:
        if hour > 12:
            half = ""  # 13:46 PM is written more often than one thinks
        hour = hour % 12 + 12 if half.lower().startswith("p") else hour % 12 if half else hour
    tz = _zone(match["zone"]) if match["zone"] else zone
    return datetime(day.year, day.month, day.day, hour, int(match["minute"]), int(match["second"] or 0), tzinfo=tz)


def _zone(name: str) -> timezone:
    if name[0] in "+-":
        hours, minutes = int(name[1:3]), int(name[-2:])
        return timezone((1 if name[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes))
    return timezone(timedelta(hours=_ZONES[name.lower()]))
