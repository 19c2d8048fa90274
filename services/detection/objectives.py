"""What a service promises its users: a share of requests that succeed, or that are answered in time, over a period.

A team writes a line for each, such as `checkout-api availability 99.9% 30d` or `search latency 300ms 99% 28d`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

_LINE = re.compile(r"(?P<service>\S+)\s+(?:availability|latency\s+(?P<limit>[\d.]+)\s*(?P<unit>ms|s))\s+"
                   r"(?P<target>[\d.]+)\s*%(?:\s+(?:over\s+)?(?P<days>\d+)\s*d)?")
_DAYS = 30


@dataclass(frozen=True, slots=True)
class Objective:
    """target: share of requests that are to be good. limit_s: those that take longer are bad; 0: those that fail."""

    service: str
    target: float
    limit_s: float = 0.0
    period: timedelta = timedelta(days=_DAYS)

    @property
    def text(self) -> str:
        """`99.9 % of requests to checkout-api succeed, over 30 days`."""
        what = f"are answered within {_duration(self.limit_s)}" if self.limit_s else "succeed"
        return f"{self.target * 100:.6g} % of requests to {self.service} {what}, over {self.period.days} days"

    @property
    def budget(self) -> float:
        """The share of requests that may be bad."""
        return 1.0 - self.target


def objectives(lines: Iterable[str]) -> tuple[Objective, ...]:
    """The objectives of these lines. Raises ValueError naming the line that cannot be read."""
    return tuple(_objective(line) for line in lines)


def _objective(line: str) -> Objective:
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise ValueError(f"{line!r} is no objective; write `SERVICE availability 99.9% 30d` or "
                         "`SERVICE latency 300ms 99% 30d`")
    target = float(found["target"]) / 100
    if not 0 < target < 1:
        raise ValueError(f"{line!r}: a target lies between 0 % and 100 %, and 100 % leaves no budget to spend")
    limit_s = float(found["limit"]) * (1e-3 if found["unit"] == "ms" else 1.0) if found["limit"] else 0.0
    return Objective(found["service"], target, limit_s, timedelta(days=int(found["days"] or _DAYS)))


def limits(given: Iterable[Objective]) -> dict[str, tuple[float, ...]]:
    """The limits in seconds that each service's durations are counted against."""
    found: dict[str, tuple[float, ...]] = {}
    for each in given:
        if each.limit_s:
            found[each.service] = tuple(sorted({*found.get(each.service, ()), each.limit_s}))
    return found


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"
