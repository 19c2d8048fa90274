"""Rows of a log that tell of a shop: two services, counters of requests by status, and an outage in the middle."""

import random
from datetime import UTC, datetime, timedelta

import numpy as np

from afteraction.v1.event_pb2 import Alert, Deploy, Event
from afteraction.v1.ingestion_service_pb2 import TailResponse
from afteraction.v1.series_pb2 import (
    SERIES_SOURCE_METRIC,
    SERIES_TYPE_CUMULATIVE_HISTOGRAM,
    HistogramColumns,
    Series,
)
from shared.timestamps import to_proto

START = datetime(2026, 7, 5, 2, 0, tzinfo=UTC)
BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, float("inf")]


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def rows(*, minutes: int = 150, out: range = range(100, 120), stream: str = "t", seed: int = 1, closed: bool = True,
         share: float = 0.3, service: str = "checkout-api", first_position: int = 1,
         events: tuple[tuple[int, Event], ...] = ()) -> list[TailResponse]:
    """One row a minute: a cumulative duration histogram for each status code."""
    chance = random.Random(seed)
    totals: dict[str, list[int]] = {"200": [0] * len(BOUNDS), "500": [0] * len(BOUNDS)}
    found = []
    for number in range(minutes):
        requests = chance.randint(550, 650)
        failing = sum(chance.random() < (share if number in out else 0.001) for _ in range(requests))
        for code, count in (("200", requests - failing), ("500", failing)):
            for _ in range(count):
                totals[code][min(int(chance.expovariate(0.8)) + 2, 7)] += 1
        row = TailResponse(position=first_position + number, stream=stream, watermark=to_proto(minute(number)))
        columns = {"ids": [], "offsets": [0], "counts": [], "bounds": []}  # type: dict[str, list[float]]
        for code in ("200", "500"):
            if not sum(totals[code]):
                continue
            identity = abs(hash((service, code))) % 2 ** 60
            row.series.append(Series(
                id=identity, service=service, metric_name="http.server.request.duration", unit="s",
                type=SERIES_TYPE_CUMULATIVE_HISTOGRAM, source=SERIES_SOURCE_METRIC,
                attributes={"http.response.status_code": code, "http.route": "/cart"}))
            columns["ids"].append(identity)
            columns["counts"] += totals[code]
            columns["bounds"] += BOUNDS
            columns["offsets"].append(len(columns["counts"]))
        n = len(columns["ids"])
        end_ns = int(minute(number + 1).timestamp()) * 10 ** 9
        row.histograms.CopyFrom(HistogramColumns(
            series_ids=np.array(columns["ids"], "<u8").tobytes(), times=np.full(n, end_ns, "<i8").tobytes(),
            start_times=np.full(n, int(START.timestamp()) * 10 ** 9, "<i8").tobytes(),
            counts=np.array([sum(totals[code]) for code in ("200", "500") if sum(totals[code])], "<u8").tobytes(),
            sums=np.full(n, np.nan, "<f8").tobytes(),
            bucket_offsets=np.array(columns["offsets"], "<u4").tobytes(),
            bucket_bounds=np.array(columns["bounds"], "<f8").tobytes(),
            bucket_counts=np.array(columns["counts"], "<u8").tobytes()))
        row.events.extend(event for at, event in events if at == number)
        found.append(row)
    last = first_position + minutes
    found.append(TailResponse(position=last, stream=stream, watermark=to_proto(minute(minutes)), is_closed=closed))
    return found


def deploy(number: int, version: str = "v2", service: str = "checkout-api") -> tuple[int, Event]:
    return number, Event(id=f"deploy-{version}", occurred_at=to_proto(minute(number)), service=service,
                         deploy=Deploy(version=version))


def alert(number: int, *, firing: bool, service: str = "checkout-api") -> tuple[int, Event]:
    state = Alert.STATE_FIRING if firing else Alert.STATE_RESOLVED
    return number, Event(id=f"alert-{number}", occurred_at=to_proto(minute(number)), service=service,
                         alert=Alert(alert_name="HighErrorRate", state=state, severity="critical", fingerprint="f1"))
