"""What a series is, what a measure is, and how the one feeds the other.

A *series* is what a sender gave: one metric with one set of attributes. A *measure* is what detection watches: the
error share of a service, the 95th percentile of an operation. Many series may feed one measure (every instance and
every status code), and one series several measures (a duration histogram is latency, traffic and the total of errors).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Signal(Enum):
    """The golden signals, the two ways in which people tell of trouble, and everything else."""

    TRAFFIC = "traffic"
    ERRORS = "errors"
    LATENCY = "latency"
    SATURATION = "saturation"
    ALERT = "alert"
    DECLARED = "declared"
    # Followed, shown, joined to incidents; never opens one.
    EVIDENCE = "evidence"
    # A value of which nothing is known but its course (backtest): both directions count.
    UNKNOWN = "unknown"


class SeriesSource(Enum):
    """Where a series comes from, as in afteraction.v1.SeriesSource."""

    METRIC = 1
    SPAN = 2
    CALL = 3
    LOG = 4


class SeriesType(Enum):
    """How its values are to be read, as in afteraction.v1.SeriesType."""

    GAUGE = 1
    DELTA = 2
    CUMULATIVE = 3
    DELTA_HISTOGRAM = 4
    CUMULATIVE_HISTOGRAM = 5


@dataclass(frozen=True, slots=True)
class Series:
    """One metric with one set of attributes."""

    id: int
    service: str
    name: str
    unit: str = ""
    type: SeriesType = SeriesType.GAUGE
    source: SeriesSource = SeriesSource.METRIC
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_histogram(self) -> bool:
        return self.type in (SeriesType.DELTA_HISTOGRAM, SeriesType.CUMULATIVE_HISTOGRAM)

    @property
    def is_sum(self) -> bool:
        return self.type in (SeriesType.DELTA, SeriesType.CUMULATIVE)

    @property
    def is_cumulative(self) -> bool:
        return self.type in (SeriesType.CUMULATIVE, SeriesType.CUMULATIVE_HISTOGRAM)


class Reading(Enum):
    """How a measure's value comes out of what was added up in an interval."""

    GAUGE = "gauge"  # mean of the values
    RATE = "rate"  # what was counted, per second
    SHARE = "share"  # failed of total
    FAILED_COUNT = "failed_count"  # failed, in intervals in which there was anything at all
    QUANTILE = "quantile"  # of merged buckets


class Role(Enum):
    """What a series' point is to a measure."""

    VALUE = "value"
    TOTAL = "total"
    FAILED = "failed"
    TOTAL_AND_FAILED = "total_and_failed"
    COUNT = "count"  # of a histogram: how many, as a value
    COUNT_AS_TOTAL = "count_as_total"
    HISTOGRAM = "histogram"
    BUCKET = "bucket"  # a Prometheus `_bucket` counter with its `le`
    SLOW = "slow"  # of a histogram: how many took longer than the measure's limit, and how many there were
    WITHIN = "within"  # a `_bucket` counter of those that did not


@dataclass(frozen=True, slots=True)
class Measure:
    """What is watched. operation: empty for the whole service. peer: the other end, for calls to or from another."""

    service: str
    operation: str
    signal: Signal
    name: str
    unit: str
    reading: Reading
    quantile: float = 0.0
    peer: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    # Of shares of slow requests: the seconds beyond which a request is slow.
    limit_s: float = 0.0

    @property
    def key(self) -> tuple[str, ...]:
        """Orders and names measures the same way in every process."""
        return (self.service, self.operation, self.signal.value, self.name, self.peer,
                *(f"{key}={value}" for key, value in self.attributes))


def is_demand(signal: Signal, unit: str) -> bool:
    """Whether users bring it about: how much they ask for, not which part of it an operation is."""
    return signal is Signal.TRAFFIC and unit != "share"


@dataclass(frozen=True, slots=True)
class Contribution:
    """One series' part in a measure. scale: to the measure's unit; negative: 1 − |scale| × value (a success share)."""

    measure: Measure
    role: Role
    scale: float = 1.0
