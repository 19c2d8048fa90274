"""Numbers, times and names in words, the same everywhere: evidence and the sentences that cite it write them alike."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import isfinite

_COUNTED_RATE = re.compile(r"\{(\w+)\}/(s|min|h)$")
_TIME_UNITS = {"ms": 1e-3, "us": 1e-6, "ns": 1e-9, "s": 1.0, "seconds": 1.0, "milliseconds": 1e-3}


def clock(at: datetime) -> str:
    """`03:47`: hours and minutes, UTC."""
    return f"{at:%H:%M}"


def moment(at: datetime, day: datetime) -> str:
    """The clock time, with the date where it is another day than `day`."""
    return f"{at:%H:%M}" if at.date() == day.date() else f"{at:%Y-%m-%d} {at:%H:%M}"


def from_to(earlier: datetime, later: datetime) -> str:
    """`from 03:47 to 04:10`, with seconds where both are in one minute."""
    if (later - earlier).total_seconds() < 120:
        return f"from {earlier:%H:%M:%S} to {later:%H:%M:%S}"
    return f"from {clock(earlier)} to {clock(later)}"


def between(earlier: datetime, later: datetime) -> str:
    """How long it is from one time to the other, in the unit in which one would say it."""
    seconds = abs((later - earlier).total_seconds())
    return duration(seconds)


def duration(seconds: float) -> str:
    """`23 minutes`, `45 seconds`, `2.5 hours`."""
    if seconds < 90 and round(seconds) != 60:
        return _counted(round(seconds), "second")
    if seconds < 2 * 3600:
        return _counted(round(seconds / 60), "minute")
    if seconds < 2 * 86400:
        hours = round(seconds / 3600, 1)
        return f"{hours:g} hour" + ("" if hours == 1 else "s")
    return f"{round(seconds / 86400, 1):g} days"


def number(value: float) -> str:
    """A number as one would write it: three digits that say something, thousands apart."""
    if not isfinite(value):
        return "unbounded"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 100:
        return f"{round(value):,}"
    return f"{float(f'{value:.3g}'):.10f}".rstrip("0").rstrip(".") if size >= 1e-6 else f"{value:.2e}"


def shown(value: float) -> float:
    """The value that `number` shows of it."""
    return float(number(value).replace(",", ""))


def share(value: float) -> str:
    """A share as a percentage: `17.3 %`."""
    return f"{number(round(value * 100, 2 if abs(value) < 0.1 else 1))} %"


def quantity(value: float, unit: str) -> str:
    """A value with its unit."""
    if unit == "share":
        return share(value)
    if unit in _TIME_UNITS:
        seconds = value * _TIME_UNITS[unit]
        return f"{number(seconds)} s" if abs(seconds) >= 1 else f"{number(seconds * 1000)} ms"
    if unit in ("%", "percent"):
        return f"{number(value)} %"
    if unit in ("1/s", "/s", "Hz"):
        return f"{number(value)}/s"
    if unit.endswith("/s"):
        return f"{quantity(value, unit.removesuffix('/s'))}/s"
    if unit in ("By", "B", "bytes"):
        return _size(value)
    # Curly braces are OpenTelemetry's way of saying that a count counts something: `{request}`, `{request}/s`.
    found = _COUNTED_RATE.match(unit)
    if found:
        return f"{number(value)} {found[1]}{'' if found[1].endswith('s') else 's'}/{found[2]}"
    plain = unit.strip("{}")
    if plain in ("", "1"):
        return number(value)
    if plain.startswith("1/"):
        return f"{number(value)}{plain[1:]}"
    is_noun = plain != unit and not plain.endswith("s") and value != 1
    return f"{number(value)} {plain}s" if is_noun else f"{number(value)} {plain}"


def _size(value: float) -> str:
    """Bytes in the unit in which one would say them: `50.6 KiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{number(value)} {unit}"
        value /= 1024
    return f"{number(value)} TiB"


def percent(probability: float) -> str:
    """A probability as nobody reads a certainty into it: never 0 % and never 100 %."""
    return "<1 %" if probability < 0.01 else ">99 %" if probability > 0.99 else f"{probability:.0%}".replace("%", " %")


def money(value: float, currency: str) -> str:
    """An amount, to the whole unit: `USD 17,000`."""
    return f"{currency} {round(value):,}".strip()


def percent_change(before: float, after: float) -> str:
    """How much larger `after` is, in per cent: `45 %`. Both in the same unit, `before` above 0."""
    return f"{number(round(abs(after - before) / before * 100))} %"


def listed(names: Sequence[str], most: int = 6) -> str:
    """`a, b and c`; of many the first ones."""
    if len(names) > most:
        return ", ".join(names[:most]) + " and others"
    if len(names) <= 1:
        return "".join(names)
    return ", ".join(names[:-1]) + " and " + names[-1]


def counted(count: int, noun: str) -> str:
    """`1 line`, `2,300 lines`."""
    return _counted(count, noun)


def length(period: timedelta) -> str:
    """A length of time in words."""
    return duration(period.total_seconds())


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
