"""What the buckets of a histogram say: a quantile, how many lie beyond a limit. Buckets are bounds with counts."""

import math


def quantile(buckets: dict[float, float], q: float) -> tuple[float, float]:
    """The q-quantile by linear interpolation within its bucket, and the count; NaN when there is nothing.

    Counts are those of each bucket alone. What lies beyond the last finite bound is put at that bound, as
    Prometheus' histogram_quantile does.
    """
    count = math.fsum(buckets.values())
    if count <= 0:
        return math.nan, math.nan
    wanted, below, lower = q * count, 0.0, 0.0
    for upper in sorted(buckets):
        n = buckets[upper]
        if n > 0 and below + n >= wanted:
            if math.isinf(upper):
                return lower, count
            return lower + (upper - lower) * max(wanted - below, 0.0) / n, count
        below += n
        lower = upper
    return lower, count


def slower(buckets: dict[float, float], limit: float) -> float:
    """How many of the values in these buckets lie above the limit, by linear interpolation within its bucket."""
    lower, above = 0.0, 0.0
    for upper in sorted(buckets):
        if lower >= limit or math.isinf(upper):
            above += buckets[upper]
        elif upper > limit:
            above += buckets[upper] * (upper - limit) / (upper - lower)
        lower = upper
    return above


def rungs(ladder: dict[float, float]) -> dict[float, float]:
    """Each bucket's own count, from counts of everything at or below its bound."""
    own, below = {}, 0.0
    for bound in sorted(ladder):
        own[bound] = max(ladder[bound] - below, 0.0)
        below = max(below, ladder[bound])
    return own

