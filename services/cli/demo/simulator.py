"""Runs the shop, step by step: who came, what they waited for, what they were told.

A step is the stretch between two exports of metrics. Requests count in the step in which they arrived. Everything drawn
comes from one generator seeded by the outage, so that a run can be repeated bit by bit.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from services.cli.demo.pool import Flags, Floats, Ints, Pool
from services.cli.demo.system import ANOTHER_ITEM, MOST_ITEMS, Instance, Journey, Outage, Service

STEP_S = 30
# Log-normal sigma of one query's duration.
_QUERY_SPREAD = 0.25
_ITEM_SHARES = ANOTHER_ITEM ** np.arange(MOST_ITEMS) / np.sum(ANOTHER_ITEM ** np.arange(MOST_ITEMS))


@dataclass(frozen=True, slots=True)
class Loads:
    """What the pool of one instance saw in a step; arrays have shape (queries,), times in Unix seconds.

    journeys, requests: which journey of the outage a query belongs to, and which request of that journey's `Flow`.
    """

    instance: Instance
    arrivals: Floats
    starts: Floats
    lasted: Floats
    journeys: Ints
    requests: Ints
    timed_out_requests: int


@dataclass(frozen=True, slots=True)
class Flow:
    """The requests of one journey in a step; arrays have shape (requests,), ascending in arrival.

    slots: per hop, which slot of the service answered. durations: per hop, seconds; NaN where it was not reached.
    has_timed_out: no connection in time. has_failed: for that reason or by chance.
    """

    journey: Journey
    arrivals: Floats
    items: Ints
    slots: tuple[Ints, ...]
    durations: tuple[Floats, ...]
    loading: Floats
    has_timed_out: Flags
    has_failed: Flags


@dataclass(frozen=True, slots=True)
class Step:
    """What happened in [starts_at, ends_at), Unix seconds."""

    starts_at: float
    ends_at: float
    flows: tuple[Flow, ...]
    loads: tuple[tuple[Service, Loads], ...]


@dataclass(slots=True)
class Ledger:
    """The simulator's own count, which is never sent: by journey and minute (Unix seconds), requests, those that
    failed, and how many would be expected to fail in a healthy system."""

    requests: defaultdict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    failures: defaultdict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    expected: defaultdict[tuple[str, int], float] = field(default_factory=lambda: defaultdict(float))

    def count(self, flow: Flow) -> None:
        """Takes in the requests of a flow."""
        minutes, which = np.unique(flow.arrivals // 60 * 60, return_inverse=True)
        totals = np.bincount(which, minlength=len(minutes))
        failed = np.bincount(which, weights=flow.has_failed, minlength=len(minutes))
        for minute, total, failures in zip(minutes.astype(int).tolist(), totals.tolist(), failed.tolist(), strict=True):
            self.requests[flow.journey.name, minute] += total
            self.failures[flow.journey.name, minute] += int(failures)
            self.expected[flow.journey.name, minute] += total * flow.journey.fails

    def excess_failures(self, journey: str, begins_at: float, ends_at: float) -> float:
        """Failed requests of `journey` in [begins_at, ends_at) less those to be expected in health."""
        keys = [key for key in self.requests if key[0] == journey and begins_at <= key[1] < ends_at]
        return sum(self.failures[key] - self.expected[key] for key in keys)


def simulate(outage: Outage, ledger: Ledger) -> Iterator[Step]:
    """The steps of an outage in order; `ledger` counts along."""
    random = np.random.default_rng(outage.seed)
    pools = {each.name: Pool(service.store.pool_size, service.store.wait_timeout_s)
             for service in outage.services if service.store for each in service.instances}
    services = {service.name: service for service in outage.services}
    end = outage.ends_at.timestamp()
    at = outage.begins_at.timestamp()
    while at < end:
        arrivals = [_arrivals(journey, at, random) for journey in outage.journeys]
        items = [random.choice(np.arange(1, MOST_ITEMS + 1), size=len(each), p=_ITEM_SHARES) for each in arrivals]
        slots = [tuple(random.integers(0, services[hop.service].slots, len(each)) for hop in journey.hops)
                 for journey, each in zip(outage.journeys, arrivals, strict=True)]
        ended = [each.copy() for each in arrivals]
        timed_out = [np.zeros(len(each), np.bool_) for each in arrivals]
        loads = [(service, load) for service in outage.services if service.store
                 for load in _load(service, outage.journeys, arrivals, items, slots, ended, timed_out, pools, random)]
        flows = tuple(_flow(journey, arrivals[each], items[each], slots[each], ended[each], timed_out[each], random)
                      for each, journey in enumerate(outage.journeys))
        for flow in flows:
            ledger.count(flow)
        yield Step(at, at + STEP_S, flows, tuple(loads))
        at += STEP_S


def _arrivals(journey: Journey, at: float, random: np.random.Generator) -> Floats:
    """A Poisson process whose rate is taken anew each second."""
    seconds = at + np.arange(STEP_S, dtype=np.float64)
    counts = random.poisson(journey.traffic.at(seconds))
    return np.sort(np.repeat(seconds, counts) + random.random(int(counts.sum())))


def _load(service: Service, journeys: tuple[Journey, ...], arrivals: list[Floats], items: list[Ints],
          slots: list[tuple[Ints, ...]], ended: list[Floats], timed_out: list[Flags], pools: dict[str, Pool],
          random: np.random.Generator) -> Iterator[Loads]:
    """Sends what needs the store of `service` through the pools of its instances; fills in `ended` and `timed_out`."""
    mine = [(index, next(i for i, hop in enumerate(journey.hops) if hop.service == service.name))
            for index, journey in enumerate(journeys) if journey.loads_at == service.name]
    if not mine or service.store is None:
        return
    which = np.concatenate([np.full(len(arrivals[index]), index) for index, _ in mine])
    place = np.concatenate([np.arange(len(arrivals[index])) for index, _ in mine])
    at = np.concatenate([arrivals[index] for index, _ in mine])
    slot = np.concatenate([slots[index][hop] for index, hop in mine])
    count = np.concatenate([items[index] for index, _ in mine])
    order = np.argsort(at, kind="stable")
    which, place, at, slot, count = which[order], place[order], at[order], slot[order], count[order]
    for instance in service.instances:
        chosen = (slot == instance.slot) & (at >= instance.starts_at) & (at < instance.ends_at)
        if not chosen.any():
            continue
        release = instance.release
        queries = count[chosen] if release.is_query_per_item else np.ones(int(chosen.sum()), np.int64)
        # Log-normal with mean `query_s`.
        lasting = release.query_s * np.exp(random.normal(-_QUERY_SPREAD**2 / 2, _QUERY_SPREAD, int(queries.sum())))
        served = pools[instance.name].serve(at[chosen], queries, lasting)
        for index, _ in mine:
            these = which[chosen] == index
            ended[index][place[chosen][these]] = served.ended_at[these]
            timed_out[index][place[chosen][these]] = served.timed_out[these]
        yield Loads(instance, served.arrivals, served.starts, lasting, np.repeat(which[chosen], queries),
                    np.repeat(place[chosen], queries), int(served.timed_out.sum()))


def _flow(journey: Journey, arrivals: Floats, items: Ints, slots: tuple[Ints, ...], ended: Floats, timed_out: Flags,
          random: np.random.Generator) -> Flow:
    """Durations from the innermost hop outwards; what could not load does not reach the hops behind the store."""
    requests = len(arrivals)
    by_chance = random.random(requests) < journey.fails
    behind = np.zeros(requests)
    durations: list[npt.NDArray[np.float64]] = []
    has_loaded = not journey.loads_at
    for hop in reversed(journey.hops):
        own = hop.takes_s * np.exp(random.normal(0.0, hop.spread, requests))
        if hop.service == journey.loads_at:
            has_loaded = True
            # Whoever gave up does nothing more.
            behind = np.where(timed_out, ended - arrivals + 0.02 * own, ended - arrivals + behind + own)
            durations.append(behind)
        elif has_loaded:
            behind = behind + np.where(timed_out, 0.1, 1.0) * own
            durations.append(behind)
        else:
            behind = behind + own
            durations.append(np.where(timed_out, np.nan, behind))
    return Flow(journey, arrivals, items, slots, tuple(reversed(durations)), ended - arrivals, timed_out,
                by_chance | timed_out)
