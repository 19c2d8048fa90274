"""A month in which nothing happens, as it looks: what a seeded simulation of 200 services sends, minute by minute.

Every service has its own size, day (by region), weekend, growth and noise; failures come in small clusters; durations
follow the load. Deploys slow a service down for some minutes and fail a few requests; instances restart; nightly jobs
take processor time; senders fall silent for minutes; services appear and go; two public holidays halve the traffic of
some; clocks change. None of it is anything that an on-call should be woken for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
MINUTES = 1440
# The clocks of Europe go forward on 2026-03-29.
START = datetime(2026, 3, 2, tzinfo=UTC)
CLOCK_CHANGE_DAY = 27
HOLIDAYS = (9, 20)


@dataclass(frozen=True, slots=True)
class Minute:
    """What every service reports for one minute, arrays of shape (services,); NaN where it reports nothing."""

    at_s: float
    requests: Floats
    failed: Floats
    p50_s: Floats
    p95_s: Floats
    cpu: Floats
    memory: Floats


class QuietMonth:
    """The month of `services` services. The same seed gives the same month."""

    def __init__(self, *, services: int = 200, days: int = 30, seed: int = 1) -> None:
        self.services, self.days = services, days
        self.names = tuple(f"service-{number:03}" for number in range(services))
        self._chance = chance = np.random.default_rng(seed)
        self.per_minute = np.exp(chance.normal(np.log(300), 1.6, services)).clip(1, 40_000)
        self.peak_hour = chance.choice([9.0, 14.0, 20.0], services) + chance.normal(0, 1, services)
        self.swing = chance.uniform(0.1, 0.8, services)
        self.weekend = chance.uniform(0.3, 1.2, services)
        self.growth = chance.normal(0, 0.15, services)
        self.holiday = np.where(chance.random(services) < 0.5, 0.5, 1.0)
        self.traffic_noise = chance.uniform(0.01, 0.06, services)
        self.failing = np.exp(chance.normal(np.log(5e-4), 1.2, services)).clip(0, 0.01)
        self.clustering = chance.uniform(0.2, 2.0, services)
        self.duration_s = np.exp(chance.normal(np.log(0.04), 1.0, services)).clip(0.002, 3)
        self.tail = chance.uniform(2, 6, services)
        self.load_slows = chance.uniform(0, 0.4, services)
        self.duration_noise = chance.uniform(0.01, 0.06, services)
        self.cpu = chance.uniform(0.05, 0.4, services)
        self.nightly = np.where(chance.random(services) < 0.1, chance.integers(0, 5 * 60, services), -1)
        self.born_day = np.where(chance.random(services) < 0.05, chance.integers(5, 25, services), 0)
        self.gone_day = np.where(chance.random(services) < 0.03, chance.integers(8, 28, services), 10_000)
        self.deploys = [(int(service), int(minute)) for service in range(services)
                        for minute in np.sort(chance.integers(0, days * MINUTES, chance.poisson(10)))]

    @property
    def calls(self) -> tuple[tuple[str, str], ...]:
        """Who calls whom: each service two of the later ones, so that users stand at the first."""
        chance = np.random.default_rng(0)
        return tuple((self.names[caller], self.names[callee]) for caller in range(self.services - 1)
                     for callee in chance.integers(caller + 1, self.services, 2).tolist())

    def minutes(self) -> Iterator[Minute]:
        """The month in order."""
        moods = np.zeros((2, self.services))
        for day in range(self.days):
            yield from self._day(day, moods)

    def _day(self, day: int, moods: Floats) -> Iterator[Minute]:
        chance, shape = self._chance, (MINUTES, self.services)
        minute = np.arange(MINUTES)[:, None]
        local = minute / 60 + (1.0 if day >= CLOCK_CHANGE_DAY else 0.0)
        season = 1 + self.swing * np.cos(2 * np.pi * (local - self.peak_hour) / 24)
        level = season * (1 + self.growth * day / 30)
        level = level * self._days_off(day, minute)
        traffic, slowness = self._moods(moods)
        requests = chance.poisson(self.per_minute * level * np.exp(traffic)).astype(np.float64)
        share = self.failing * chance.gamma(1 / self.clustering, self.clustering, shape)
        factor = (1 + self.load_slows * (level - 1)) * np.exp(slowness)
        cpu = self.cpu * (0.3 + 0.7 * level) * np.exp(chance.normal(0, 0.05, shape))
        self._deployed(day, share, factor, cpu)
        is_job = (self.nightly >= 0) & (minute >= self.nightly) & (minute < self.nightly + 40)
        cpu = np.where(is_job, cpu + 0.35, cpu).clip(0, 0.98)
        failed = chance.binomial(requests.astype(np.int64), share.clip(0, 1)).astype(np.float64)
        p50, p95 = self._quantiles(requests, self.duration_s * factor)
        memory = 0.4 + 0.3 * ((day * MINUTES + minute) % 4000) / 4000 + chance.normal(0, 0.01, shape)
        is_silent = self._silent(day, shape) | (requests == 0)
        for values in (requests, failed, p50, p95, cpu, memory):
            values[is_silent] = np.nan
        for row in range(MINUTES):
            yield Minute(START.timestamp() + (day * MINUTES + row + 1) * 60.0, requests[row], failed[row], p50[row],
                         p95[row], cpu[row], memory[row])

    def _days_off(self, day: int, minute: npt.NDArray[np.int64]) -> Floats:
        """Weekends and holidays come and go in the small hours, over six of them."""
        def factor(number: int) -> Floats:
            return np.where(number % 7 >= 5, self.weekend, 1.0) * np.where(number in HOLIDAYS, self.holiday, 1.0)
        passed = np.clip((minute / 60 + 3) / 6, 0.5, 1) - np.where(minute >= 21 * 60, (minute / 60 - 21) / 6, 0)
        other = np.where(minute < 12 * 60, factor(day - 1), factor(day + 1))
        return passed * factor(day) + (1 - passed) * other

    def _moods(self, moods: Floats) -> tuple[Floats, Floats]:
        """Noise that lasts: a minute is like the one before it."""
        chance, keep = self._chance, 0.9
        found = np.empty((2, MINUTES, self.services))
        spread = np.stack([self.traffic_noise, self.duration_noise])
        steps = chance.normal(0, 1, found.shape) * (spread * np.sqrt(1 - keep ** 2))[:, None, :]
        for row in range(MINUTES):
            moods[:] = keep * moods + steps[:, row]
            found[:, row] = moods
        return found[0], found[1]

    def _quantiles(self, requests: Floats, median_s: Floats) -> tuple[Floats, Floats]:
        """Of that many log-normal durations: estimates as noisy as their number makes them."""
        sigma = np.log(self.tail) / 1.645
        n = np.maximum(requests, 1)
        p50 = median_s * np.exp(self._chance.normal(0, 1, n.shape) * 1.25 * sigma / np.sqrt(n))
        p95 = median_s * self.tail * np.exp(self._chance.normal(0, 1, n.shape) * 2.1 * sigma / np.sqrt(n))
        return p50, np.maximum(p95, p50)

    def _deployed(self, day: int, share: Floats, factor: Floats, cpu: Floats) -> None:
        """Cold caches for ten minutes, and a few requests that meet an instance on its way out."""
        for service, minute in self.deploys:
            at = minute - day * MINUTES
            if 0 <= at < MINUTES:
                share[at:at + 2, service] += self._chance.uniform(0, 0.004)
                factor[at:at + 10, service] *= self._chance.uniform(1.0, 1.3)
                cpu[at:at + 5, service] *= 1.3

    def _silent(self, day: int, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Nobody there yet, or any more; or a sender that is away for minutes."""
        silent = np.broadcast_to((day < self.born_day) | (day >= self.gone_day), shape).copy()
        for service in np.flatnonzero(self._chance.random(self.services) < 0.15):
            at = int(self._chance.integers(0, MINUTES))
            silent[at:at + int(self._chance.integers(1, 20)), service] = True
        return silent
