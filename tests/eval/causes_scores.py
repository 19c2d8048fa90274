"""How good a ranking of causes is, case by case and in all. The truth of a case is read here and nowhere else."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Truth:
    """What was done to the system: where, what, when."""

    case: str
    source: str
    service: str
    kind: str
    start: datetime
    end: datetime
    # Samples of metrics are as far apart: something may be seen so much later.
    period: timedelta


@dataclass(frozen=True, slots=True)
class Score:
    """One case beside its truth."""

    case: str
    source: str
    # From the start of the fault to the detection; None where no incident opened in time.
    detected_after_s: float | None
    # Place of the true service and kind, from 1; None where it is not ranked.
    service_rank: int | None
    kind_rank: int | None
    # Incidents that were detected before the fault began.
    false_incidents: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Means over cases; those of ranks count a case without a rank as nothing found."""

    cases: int
    opened: int
    median_delay_s: float | None
    service_top_1: float
    service_top_3: float
    service_mrr: float
    kind_top_1: float
    kind_top_3: float
    kind_mrr: float
    false_incidents: int


def read_truth(folder: Path) -> Truth | None:
    """The truth of the case in `folder`; None where it was kept away."""
    path = folder / "truth.json"
    if not path.exists():
        return None
    told: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Truth(
        case=folder.name, source=folder.name.split("-")[0], service=told["fault_service"], kind=told["fault_kind"],
        start=datetime.fromisoformat(told["start"]), end=datetime.fromisoformat(told["end"]),
        period=timedelta(seconds=told.get("metric_period_s") or 60))


def score(truth: Truth, line: Mapping[str, Any]) -> Score:
    """The line that was written for a case, beside its truth."""
    detections = sorted(datetime.fromisoformat(incident["detected"]) for incident in line["incidents"])
    in_time = [at for at in detections if truth.start <= at <= truth.end + truth.period]
    return Score(
        case=truth.case, source=truth.source,
        detected_after_s=(in_time[0] - truth.start).total_seconds() if in_time else None,
        service_rank=_rank(line["services"], truth.service), kind_rank=_rank(line["kinds"], truth.kind),
        false_incidents=sum(at < truth.start for at in detections))


def _rank(ranked: Sequence[str], right: str) -> int | None:
    return ranked.index(right) + 1 if right in ranked else None


def kinds_in_order(told: Sequence[tuple[float, Sequence[str]]]) -> list[str]:
    """Kinds, the likeliest first; told: the probability of each hypothesis, and its kinds in order.

    Each further kind of a hypothesis counts half as much as the one before it.
    """
    best: dict[str, float] = {}
    for probability, kinds in told:
        for place, kind in enumerate(kinds):
            best[kind] = max(best.get(kind, 0.0), probability * 0.5 ** place)
    return sorted(best, key=lambda kind: -best[kind])


def summarise(scores: Iterable[Score]) -> Summary:
    """The means of `scores`, of which there is at least one."""
    counted = tuple(scores)
    delays = sorted(one.detected_after_s for one in counted if one.detected_after_s is not None)
    services, kinds = [one.service_rank for one in counted], [one.kind_rank for one in counted]
    return Summary(
        cases=len(counted), opened=len(delays), median_delay_s=delays[len(delays) // 2] if delays else None,
        service_top_1=_share(services, 1), service_top_3=_share(services, 3), service_mrr=_mrr(services),
        kind_top_1=_share(kinds, 1), kind_top_3=_share(kinds, 3), kind_mrr=_mrr(kinds),
        false_incidents=sum(one.false_incidents for one in counted))


def _share(ranks: Sequence[int | None], at_most: int) -> float:
    return sum(rank is not None and rank <= at_most for rank in ranks) / len(ranks)


def _mrr(ranks: Sequence[int | None]) -> float:
    return sum(1 / rank for rank in ranks if rank is not None) / len(ranks)


def table(scores: Sequence[Score]) -> str:
    """By source and in all, for people."""
    sources = sorted({one.source for one in scores})
    rows = [(source, summarise(one for one in scores if one.source == source)) for source in sources]
    rows.append(("all", summarise(scores)))
    head = (f"{'source':8}{'cases':>6}{'opened':>8}{'after s':>9}   {'service: top-1':>14}{'top-3':>7}{'MRR':>7}"
            f"   {'kind: top-1':>11}{'top-3':>7}{'MRR':>7}   {'false incidents':>15}")
    return "\n".join([head, *(_row(name, summary) for name, summary in rows)])


def _row(name: str, one: Summary) -> str:
    delay = "-" if one.median_delay_s is None else f"{one.median_delay_s:.0f}"
    return (f"{name:8}{one.cases:6}{one.opened:8}{delay:>9}   {one.service_top_1:14.2f}{one.service_top_3:7.2f}"
            f"{one.service_mrr:7.2f}   {one.kind_top_1:11.2f}{one.kind_top_3:7.2f}{one.kind_mrr:7.2f}"
            f"   {one.false_incidents:15}")
