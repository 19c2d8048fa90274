"""What the simulated shop is made of, as values: journeys and their traffic, stores and pools, releases, instances."""

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt

from afteraction.v1.event_pb2 import Event

Floats = npt.NDArray[np.float64]

# Items in a cart or on a list: 1 to 20, each further one less likely by this factor; 4.4 on average.
MOST_ITEMS = 20
ANOTHER_ITEM = 0.78


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests per second: `low` long before `middle`, `high` long after, halfway at `middle` (Unix seconds).

    A logistic curve; `width_s` is the time in which the odds grow e-fold.
    """

    low: float
    high: float
    middle: float
    width_s: float

    def at(self, times: Floats) -> Floats:
        """The rate at each of `times`."""
        rate: Floats = self.low + (self.high - self.low) / (1.0 + np.exp(-(times - self.middle) / self.width_s))
        return rate

    def times(self, factor: float) -> "Traffic":
        """The same course at another volume."""
        return Traffic(self.low * factor, self.high * factor, self.middle, self.width_s)


@dataclass(frozen=True, slots=True)
class Store:
    """A database behind a service, and the pool that each instance of the service keeps to it.

    system: OpenTelemetry's `db.system.name`. operations: what the query is called that loads all items at once, and the
    one that loads a single item. refusals: what the driver's log lines say when no connection came free in time.
    """

    name: str
    system: str
    collection: str
    pool_size: int
    wait_timeout_s: float
    operations: tuple[str, str]
    connections_metric: str
    queries_metric: str
    error_type: str
    refusals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """A version, how it loads the items of a request, and how long one of its queries takes on average (s)."""

    version: str
    is_query_per_item: bool = False
    query_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance from when traffic reaches it to when it leaves it (Unix seconds), and the release that it runs."""

    name: str
    slot: int
    release: Release
    starts_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its traffic is spread evenly over `slots`, each held by one instance after the other."""

    name: str
    slots: int
    instances: tuple[Instance, ...]
    store: Store | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """A service that a request passes, and the median (s) and log-normal sigma of the time that it spends there beside
    the pool and the services behind."""

    service: str
    method: str
    path: str
    takes_s: float
    spread: float


@dataclass(frozen=True, slots=True)
class Journey:
    """One thing that users ask for: the services it passes, outermost first.

    loads_at: the service whose store it needs. fails: share that fails at its last hop when all is well.
    """

    name: str
    traffic: Traffic
    hops: tuple[Hop, ...]
    fails: float
    loads_at: str = ""


@dataclass(frozen=True, slots=True)
class Outage:
    """A stretch of the shop's life: what runs, who comes, and what people and pipelines tell of it."""

    name: str
    seed: int
    begins_at: datetime
    ends_at: datetime
    services: tuple[Service, ...]
    journeys: tuple[Journey, ...]
    events: tuple[Event, ...] = field(default=())
