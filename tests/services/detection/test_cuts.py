"""A stream cut into other batches, with the watermark told at other points, gives the same incidents."""

from collections.abc import Iterable
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detection.detector import StreamDetector
from services.detection.incident import Event, Kind, Transition
from services.detection.series import Series
from tests.services.detection.town import START, Fault, Town, alert, deploy, minute

MINUTES = 70
TOWN = Town(("web", "shop"), (("web", "shop"),), (
    Fault("shop", range(40, 50), failing=0.3), Fault("web", range(42, 50), slower=3)),
    (deploy(36), alert(43, firing=True), alert(52, firing=False)))


class Heard(StreamDetector):
    """What was told, one point after the other, with the minute in which it was."""

    def __init__(self) -> None:
        super().__init__("heard")
        self.number = 0
        self.told: list[tuple[int, str, tuple[object, ...]]] = []

    def define(self, series: Series) -> None:
        self.told.append((self.number, "define", (series,)))

    def add(self, ids: np.ndarray, times: np.ndarray, starts: np.ndarray, values: np.ndarray) -> None:
        self.told += [(self.number, "add", each) for each in zip(
            ids.tolist(), times.tolist(), starts.tolist(), values.tolist(), strict=True)]

    def add_histogram(self, *point: object) -> None:
        self.told.append((self.number, "add_histogram", point))

    def event(self, event: Event) -> None:
        self.told.append((self.number, "event", (event,)))


@cache
def everything() -> tuple[tuple[int, str, tuple[object, ...]], ...]:
    """The town's whole stream."""
    heard = Heard()
    for heard.number in range(MINUTES):
        TOWN.tell(heard, heard.number)
    return tuple(heard.told)


def lived(cuts: Iterable[int]) -> list[Transition]:
    """Every transition, where the input comes in batches that end before these places; after each the watermark is the
    end of the last minute of which nothing more comes."""
    told = everything()
    detector, begin = StreamDetector("t"), 0
    steps: list[Transition] = []
    for end in (*sorted(set(cuts)), len(told)):
        _take(detector, told[begin:end])
        if end < len(told):
            steps += detector.advance(minute(told[end][0]).timestamp(), START)
        begin = end
    return steps + detector.close(START)


def _take(detector: StreamDetector, batch: Iterable[tuple[int, str, tuple[object, ...]]]) -> None:
    """A batch: its points as columns, as the log keeps them; what else it holds in its place."""
    points: list[tuple[object, ...]] = []
    for _, what, told in (*batch, (0, "end", ())):
        if what == "add":
            points.append(told)
            continue
        if points:
            ids, times, starts, values = zip(*points, strict=True)
            detector.add(np.array(ids), np.array(times), np.array(starts), np.array(values))
            points = []
        if what != "end":
            getattr(detector, what)(*told)


@cache
def undisturbed() -> list[Transition]:
    """As it is when every point comes by itself."""
    told = everything()
    return lived(place for place in range(1, len(told)) if told[place][0] != told[place - 1][0])


def test_stream_has_an_incident_with_a_life_to_compare() -> None:
    assert {Kind.OPENED, Kind.ANOMALY_JOINED, Kind.ALERT, Kind.RECOVERED, Kind.RESOLVED} <= {
        step.kind for step in undisturbed()}


@settings(max_examples=6, deadline=None)
@given(st.sets(st.integers(1, len(everything()) - 1), max_size=60))
def test_incidents_do_not_depend_on_where_batches_are_cut(cuts: set[int]) -> None:
    assert lived(cuts) == undisturbed()
