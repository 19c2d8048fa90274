"""Failed requests above what fails anyway, with how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from services.drafting.requests import Requests

# Two-sided 95 % of a normal distribution.
_Z95 = 1.96
# Fewer failures above the baseline than this are noise.
FEWEST = 1.0


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed requests of some operations: as counted, and as expected from before; half the 95 % interval of that."""

    counted: float
    expected: float
    uncertainty: float
    total: float
    keys: tuple[str, ...]

    @property
    def above(self) -> float:
        return max(self.counted - self.expected, 0.0)


def failures(answered: Sequence[Requests]) -> Failures | None:
    """Failed requests above what fails anyway; None when nobody counted requests.

    What would have failed anyway is the share that failed before, of the requests that came now. Its uncertainty is
    that of two counts: those expected now, and the ones before that the share rests on (Poisson, 95 %).
    """
    if not answered or not any(one.count for one in answered):
        return None
    total = sum(one.count for one in answered)
    counted = sum(one.count for one in answered if one.is_failure)
    before = sum(one.baseline_count for one in answered)
    failed_before = sum(one.baseline_count for one in answered if one.is_failure)
    expected = failed_before / before * total if before else 0.0
    ratio = total / before if before else 0.0
    uncertainty = _Z95 * sqrt(expected + expected * ratio)
    keys = tuple(key for one in answered if one.is_failure and one.count for key in one.keys)
    return Failures(counted, expected, uncertainty, total, keys or answered[0].keys)
