"""Systems that do not exist and what goes wrong in them, minute by minute: the truth behind `invented_incidents`.

A system is a graph of calls with a load at its ways in. Each service works for a while on a request, then asks those
that it calls; time adds up on the way back, failures travel up unless the caller can do without. A fault changes what
one service does, in the way in which its kind does; what everybody else shows follows. Nothing here knows how anything
is detected or ranked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

KINDS = ("cpu", "memory", "disk", "network-delay", "network", "latency", "code-exception", "code-return", "unavailable",
         "traffic", "capacity")
# What a message waits on the way to a service at the best of times.
_WAY_S = 0.001


@dataclass(frozen=True)
class System:
    """calls: how often a request to a service makes it ask another. entry: requests a second at each way in."""

    name: str
    calls: Mapping[str, Mapping[str, float]]
    entry: Mapping[str, float]
    # Seconds that a service works on a request by itself, and the processor seconds of that.
    work_s: Mapping[str, float]
    # Callees whose failure a caller can do without.
    optional: frozenset[tuple[str, str]] = frozenset()

    @property
    def services(self) -> tuple[str, ...]:
        """Callers before those that they call."""
        order: list[str] = []
        waiting = list(self.work_s)
        while waiting:
            ready = [each for each in waiting if not any(each in self.calls.get(other, {}) for other in waiting)]
            order += ready
            waiting = [each for each in waiting if each not in ready]
        return tuple(order)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong in a service in some minutes. size: 1 is as bad as it usually is."""

    service: str
    kind: str
    minutes: range
    size: float = 1.0


@dataclass(slots=True)
class Service:
    """What one service went through in a minute."""

    requests: float = 0.0
    failing: float = 0.0
    # At the median, as it measures itself; and what each of its callers waits beyond that.
    latency_s: float = 0.0
    way_s: float = _WAY_S
    own_s: float = 0.0
    cpu: float = 0.0
    memory: float = 0.4
    disk: float = 0.1
    pool: float = 0.2
    restarts: float = 0.0
    # Requests to each callee, which a fault in the code may leave out.
    asked: dict[str, float] = field(default_factory=dict)
    # What it failed with by itself.
    own_failing: float = 0.0


def minutes(system: System, fault: Fault, count: int, seed: int) -> Iterator[dict[str, Service]]:
    """So many minutes of every service."""
    chance = np.random.default_rng(seed)
    capacity = _capacity(system)
    mood = dict.fromkeys(system.services, 0.0)
    for number in range(count):
        for name in mood:
            mood[name] = 0.8 * mood[name] + float(chance.normal(0, 0.03))
        is_on = number in fault.minutes
        yield _minute(system, fault if is_on else None, capacity, mood, chance)


def _capacity(system: System) -> dict[str, float]:
    """Requests a second that each can work on: three times what it is asked for."""
    return {name: 3.0 * rate for name, rate in _load(system, dict.fromkeys(system.services, 1.0), None)[0].items()}


def _load(system: System, level: Mapping[str, float], fault: Fault | None
          ) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Requests a second to each service, and from each to each."""
    rates = dict.fromkeys(system.services, 0.0)
    asked: dict[str, dict[str, float]] = {name: {} for name in system.services}
    for name in system.services:
        factor = 4.0 * fault.size if fault is not None and fault.kind == "traffic" else 1.0
        rates[name] += system.entry.get(name, 0.0) * level[name] * factor
        served = rates[name] * (1.0 - _stops(fault, name))
        for place, (callee, times) in enumerate(system.calls.get(name, {}).items()):
            left_out = fault is not None and fault.kind == "code-return" and fault.service == name and place == 0
            asked[name][callee] = 0.02 * served * times if left_out else served * times
            rates[callee] += asked[name][callee]
    return rates, asked


def _stops(fault: Fault | None, name: str) -> float:
    """Share of its requests that a service ends before it asks anybody."""
    if fault is None or fault.service != name:
        return 0.0
    return {"code-exception": 0.35, "unavailable": 0.8}.get(fault.kind, 0.0) * fault.size


def _minute(system: System, fault: Fault | None, capacity: Mapping[str, float], mood: Mapping[str, float],
            chance: np.random.Generator) -> dict[str, Service]:
    rates, asked = _load(system, {name: float(np.exp(mood[name])) for name in system.services}, fault)
    found: dict[str, Service] = {}
    for name in reversed(system.services):
        here = fault if fault is not None and fault.service == name else None
        one = found[name] = Service(requests=60.0 * rates[name], asked={
            callee: 60.0 * rate for callee, rate in asked[name].items()})
        busy = min(rates[name] / capacity[name], 0.98)
        one.cpu = float(np.clip(busy + chance.normal(0, 0.015), 0.01, 0.99))
        one.memory = float(np.clip(0.4 + chance.normal(0, 0.01), 0, 1))
        one.disk = float(np.clip(0.08 + chance.normal(0, 0.01), 0, 1))
        one.pool = float(np.clip(busy * 0.6 + chance.normal(0, 0.02), 0, 1))
        # A queue before a busy worker: the busier, the longer.
        one.own_s = system.work_s[name] / (1.0 - min(busy, 0.95)) * 0.67 * float(np.exp(chance.normal(0, 0.04)))
        one.own_failing = 0.0005
        if here is not None:
            _hurt(one, here, system.work_s[name], chance)
        _suffer(system, one, name, found, asked[name], rates[name])
    return found


def _hurt(one: Service, fault: Fault, work_s: float, chance: np.random.Generator) -> None:
    size = fault.size
    match fault.kind:
        case "cpu":
            one.cpu = float(np.clip(0.97 + chance.normal(0, 0.01), 0, 1))
            one.own_s *= 1 + 6 * size
        case "memory":
            one.memory = float(np.clip(0.96 + chance.normal(0, 0.01), 0, 1))
            one.cpu = min(one.cpu * 1.5, 0.9)
            one.own_s *= 1 + 2.5 * size
            one.own_failing, one.restarts = 0.04 * size, 1.0
        case "disk":
            one.disk = float(np.clip(0.95 + chance.normal(0, 0.02), 0, 1))
            one.own_s += 0.15 * size
        case "capacity":
            one.pool = 1.0
            one.own_s += 0.4 * size
            one.own_failing = 0.06 * size
        case "network-delay":
            one.way_s += 0.2 * size
        case "network":
            one.way_s += 0.05 * size
            one.own_failing = 0.05 * size
        case "latency":
            one.own_s += 0.4 * size
        case "code-exception":
            one.own_failing = 0.35 * size
        case "code-return":
            one.own_s *= 0.8
        case "unavailable":
            one.own_failing, one.cpu, one.restarts = 0.8 * size, one.cpu * 0.3, 2.0


def _suffer(system: System, one: Service, name: str, found: Mapping[str, Service], asked: Mapping[str, float],
            rate: float) -> None:
    """Waits for those that it calls and fails with them."""
    waited, fine = 0.0, 1.0 - one.own_failing
    for callee, calls in asked.items():
        times = calls / rate if rate > 0 else 0.0
        below = found[callee]
        waited += times * (below.latency_s + below.way_s + (one.way_s - _WAY_S))
        if (name, callee) not in system.optional:
            fine *= (1.0 - below.failing) ** times
    one.latency_s = one.own_s + waited
    one.failing = 1.0 - fine
