"""Which measures are out of their baseline now, each as the anomaly that it has been so far."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from services.detection.alignment import Alignment, Floats, Interval, Ints
from services.detection.anomalies import Anomalies, Bools, Moves
from services.detection.baselines import Baselines, Judgement
from services.detection.effects import Practices
from services.detection.incident import Anomaly
from services.detection.series import Reading
from shared.timestamps import from_unix_ns

# Patience with an instance's series that ended while its service goes on.
REPLACED_S = 180.0


@dataclass(slots=True)
class Departure:
    """A measure out of its baseline: the anomaly so far, and the incident it belongs to (empty: none)."""

    anomaly: Anomaly
    incident: str = ""
    last_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """One interval and what was made of it; arrays of `judgement`, `moves` and `expected` beside `interval.rows`."""

    interval: Interval
    judgement: Judgement
    moves: Moves
    expected: Floats
    end_s: float


class Departures:
    """Follows what is out, from where it left until it is back, falls silent or the stream ends."""

    def __init__(self, *, alignment: Alignment, baselines: Baselines, anomalies: Anomalies, practices: Practices,
                 resolution_s: int, silence_s: float) -> None:
        self.outs: dict[int, Departure] = {}
        self._alignment = alignment
        self._baselines = baselines
        self._anomalies = anomalies
        self._practices = practices
        self._resolution_s = resolution_s
        self._silence_s = silence_s
        self._heard: dict[str, float] = {}

    def follow(self, judged: Judged) -> list[int]:
        """Moves what is out along; returns rows that came back."""
        interval, moves = judged.interval, judged.moves
        services = {self._alignment.measures[row].service for row in interval.rows.tolist()}
        self._heard |= dict.fromkeys(services, judged.end_s)
        returned = []
        out = [row in self.outs for row in interval.rows.tolist()] if self.outs else []
        places = np.flatnonzero(moves.entered | np.array(out, np.bool_) if out else moves.entered)
        for place in places.tolist():
            row = int(interval.rows[place])
            known = self.outs.get(row)
            if known is None:
                self.leave(row, place, judged)
            elif self._moved(row, place, judged, known):
                returned.append(row)
        return returned

    def leave(self, row: int, place: int, judged: Judged) -> None:
        """This measure is out from now on, clear by itself or as a symptom of something; again is no harm."""
        if row not in self.outs:
            self._anomalies.force(np.array([row], np.int64))
            self.outs[row] = Departure(self._anomaly(row, place, judged), last_s=float(judged.interval.ends[place]))

    def _moved(self, row: int, place: int, judged: Judged, known: Departure) -> bool:
        """One more interval of a measure that is out; whether it is back."""
        at_s = float(judged.interval.ends[place])
        value, z = self._shown(row, judged.interval.values[place]), float(judged.judgement.z[place])
        anomaly = replace(known.anomaly, current=value)
        if abs(value - anomaly.baseline) > anomaly.distance and not math.isnan(z):
            anomaly = replace(anomaly, peak_observed=value, peak_z=z, peak_at=moment(at_s))
        known.anomaly, known.last_s = anomaly, at_s
        if judged.moves.left[place]:
            known.anomaly = replace(anomaly, recovered_at=moment(float(self._anomalies.inside_since[row])))
        return bool(judged.moves.left[place])

    def _anomaly(self, row: int, place: int, judged: Judged) -> Anomaly:
        measure, judgement = self._alignment.measures[row], judged.judgement
        observed = self._shown(row, judged.interval.values[place])
        baseline = self._shown(row, judged.expected[place])
        z, spread = float(judgement.z[place]), float(judgement.spread[place])
        above = np.array([judgement.expected[place] + spread])
        upper = self._shown(row, float(self._practices.restore(np.array([row]), above)[0]))
        return Anomaly(
            service=measure.service, operation=measure.operation, signal=measure.signal, metric_name=measure.name,
            unit=measure.unit, onset_at=moment(float(self._anomalies.onset[row])), detected_at=moment(judged.end_s),
            observed=observed, baseline=baseline, spread=upper - baseline, z=z, peak_observed=observed, peak_z=z,
            peak_at=moment(judged.interval.ends[place]), current=observed, attributes=dict(measure.attributes),
            peer=measure.peer)

    def _shown(self, row: int, value: float) -> float:
        """A value as people read it: rates per second."""
        per = self._resolution_s if self._alignment.measures[row].reading is Reading.RATE else 1.0
        return float(value) / per

    def held(self, rows: Ints) -> Bools:
        """Which of these measures hold an incident open."""
        known = [row for row, departure in self.outs.items() if departure.incident]
        return np.isin(rows, known) if known else np.zeros(rows.size, np.bool_)

    def period(self, row: int) -> float:
        """Seconds between two values of a measure."""
        return float(self._baselines.period[row])

    # What ends otherwise

    def silent(self, now_s: float) -> Iterator[int]:
        """What stopped reporting for so long that it does not keep an incident open; a short gap changes nothing."""
        for row, known in sorted(self.outs.items()):
            period = float(self._baselines.period[row])
            patience = max(self._silence_s, 5.0 * period)
            if self._is_replaced(row, now_s):
                patience = max(REPLACED_S, 3.0 * period)
            if now_s - known.last_s >= patience:
                self._gone(row, known.last_s)
                yield row

    def settled(self, end_s: float) -> Iterator[int]:
        """At the end of a stream: what was inside its baseline at its last report is back; so is what fell silent."""
        for row, known in sorted(self.outs.items()):
            if self._anomalies.inside[row] > 0:
                self._gone(row, float(self._anomalies.inside_since[row]))
                yield row
            elif end_s - known.last_s > 3.0 * max(float(self._baselines.period[row]), self._resolution_s):
                self._gone(row, known.last_s)
                yield row

    def _is_replaced(self, row: int, now_s: float) -> bool:
        """Whether an instance's own series ended while its service goes on reporting: the instance is gone."""
        measure = self._alignment.measures[row]
        return bool(measure.attributes) and \
            now_s - self._heard.get(measure.service, -math.inf) <= 2 * self._resolution_s

    def _gone(self, row: int, since_s: float) -> None:
        known = self.outs[row]
        known.anomaly = replace(known.anomaly, recovered_at=moment(since_s))
        self._anomalies.out[row] = False
        self._anomalies.evidence[row] = 0.0

    def release(self, rows: Iterable[int]) -> None:
        """These belong to no incident any more."""
        for row in rows:
            if row in self.outs:
                self.outs[row].incident = ""


def moment(seconds: float) -> datetime:
    """Unix seconds as a time, to the microsecond."""
    return from_unix_ns(round(seconds * 1_000_000) * 1000)
