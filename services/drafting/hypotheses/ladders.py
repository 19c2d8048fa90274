"""Durations out of the parts of Prometheus' histograms and summaries.

`x_bucket` counts by upper bound what took no longer, `x_sum` and `x_count` add up. By themselves they look like
durations and are none; together they say how long requests took, by the mean, or by a quantile where there is no sum.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import inf

import numpy as np
import numpy.typing as npt

from services.drafting.hypotheses.measures import Measure, meaning
from services.drafting.observations import SeriesSource, SeriesWindow

Floats = npt.NDArray[np.float64]
QUANTILE = 0.9
_SUFFIXES = ("_bucket", "_sum", "_count")
_UNITS = {"_milliseconds": "ms", "_ms": "ms", "_seconds": "s", "_microseconds": "us"}


def is_part(series: SeriesWindow) -> bool:
    """Whether it is a part of a histogram of durations."""
    return _stem(series) is not None


def durations(series: Iterable[SeriesWindow]) -> Iterator[SeriesWindow]:
    """What requests took, for every histogram that is complete, under the key of one of its parts."""
    parts: dict[tuple[str, str, tuple[tuple[str, str], ...]], dict[str, SeriesWindow]] = defaultdict(dict)
    for one in series:
        stem = _stem(one)
        if stem is not None:
            attributes = tuple(sorted((name, value) for name, value in one.attributes.items() if name != "le"))
            part = one.metric_name[len(stem):]
            parts[one.service, stem, attributes][one.attributes.get("le", "") if part == "_bucket" else part] = one
    for (_, stem, _), found in parts.items():
        told = _mean(found, stem) or _quantile(found, stem)
        if told is not None:
            yield told


def _stem(series: SeriesWindow) -> str | None:
    suffix = next((each for each in _SUFFIXES if series.metric_name.endswith(each)), None)
    if suffix is None or series.source is not SeriesSource.METRIC:
        return None
    if (suffix == "_bucket") != ("le" in series.attributes):
        return None
    stem = series.metric_name.removesuffix(suffix)
    return stem if meaning(stem, _unit(stem)).measure is Measure.LATENCY else None


def _unit(stem: str) -> str:
    return next((unit for words, unit in _UNITS.items() if stem.endswith(words)), "s")


def _mean(parts: dict[str, SeriesWindow], stem: str) -> SeriesWindow | None:
    total, count = parts.get("_sum"), parts.get("_count")
    if total is None or count is None or not _is_aligned((total, count)):
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        return _made(count, stem, np.array(total.baseline_values) / np.array(count.baseline_values),
                     np.array(total.values) / np.array(count.values))


def _quantile(parts: dict[str, SeriesWindow], stem: str) -> SeriesWindow | None:
    ladder = sorted(((_bound(le), one) for le, one in parts.items() if not le.startswith("_")),
                    key=lambda pair: pair[0])
    if len(ladder) < 2 or ladder[-1][0] != inf or not _is_aligned([one for _, one in ladder]):
        return None
    bounds = [bound for bound, _ in ladder]
    return _made(ladder[-1][1], f"{stem}_p{QUANTILE * 100:.0f}",
                 _read(bounds, np.array([one.baseline_values for _, one in ladder])),
                 _read(bounds, np.array([one.values for _, one in ladder])))


def _bound(le: str) -> float:
    try:
        return float(le)
    except ValueError:
        return inf


def _is_aligned(parts: Iterable[SeriesWindow]) -> bool:
    return len({(len(one.values), len(one.baseline_values)) for one in parts}) == 1


def _read(bounds: list[float], below: Floats) -> Floats:
    """The quantile at every step. below: counts at or below each bound, shape (bounds, steps); float64, (steps,)."""
    found = np.full(below.shape[1], np.nan)
    for step in range(below.shape[1]):
        counts = np.maximum.accumulate(below[:, step])
        if counts[-1] <= 0:
            continue
        place = int(np.searchsorted(counts, QUANTILE * counts[-1]))
        low, under = (bounds[place - 1], counts[place - 1]) if place else (0.0, 0.0)
        inside = counts[place] - under
        is_open = bounds[place] == inf or inside <= 0
        found[step] = low if is_open else low + (bounds[place] - low) * (QUANTILE * counts[-1] - under) / inside
    return found


def _made(part: SeriesWindow, name: str, before: Floats, now: Floats) -> SeriesWindow | None:
    """A series of durations in place of one of its parts; None where nothing was counted."""
    usual = before[np.isfinite(before)]
    kept = [(at, value) for at, value in zip(part.times, now.tolist(), strict=True) if np.isfinite(value)]
    if not usual.size or not kept:
        return None
    middle = float(np.median(usual))
    return replace(
        part, metric_name=name, unit=_unit(name.removesuffix("_p90")), times=tuple(at for at, _ in kept),
        values=tuple(value for _, value in kept), baseline_values=tuple(usual.tolist()), baseline_points=usual.size,
        baseline_median=middle, baseline_spread=float(1.4826 * np.median(np.abs(usual - middle))), counts=(),
        baseline_counts=())
