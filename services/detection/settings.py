"""What can be set for detection. Every default has its reason in docs/detection.md or docs/incidents.md."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from services.detection.meanings import rules
from services.detection.objectives import objectives


@dataclass(frozen=True, slots=True)
class Settings:
    """AFTERACTION_DETECTION_…, or the table [detection] of the settings file."""

    hold: timedelta = field(default=timedelta(minutes=5), metadata={
        "help": "how long every signal of an incident must be back before it is resolved", "example": "10m"})
    change_lookback: timedelta = field(default=timedelta(hours=2), metadata={
        "help": "how far before the onset a deploy, flag or config change is attached", "example": "4h"})
    silence: timedelta = field(default=timedelta(minutes=15), metadata={
        "help": "after how long a signal that stopped reporting no longer keeps an incident open", "example": "15m"})
    strength: float = field(default=6.0, metadata={
        "help": "how unlikely what is seen together must be for an incident to open, as -log10; higher is quieter"})
    signals: tuple[str, ...] = field(default=(), metadata={
        "help": "metrics of your own, each `regular expression=meaning`; meanings: latency, requests, errors, "
                "error_share, success_share, utilization, evidence", "example": "checkout_wait=latency"})
    objectives: tuple[str, ...] = field(default=(), metadata={
        "help": "what services promise, each `SERVICE availability 99.9% 30d` or `SERVICE latency 300ms 99% 30d`",
        "example": "checkout-api availability 99.9% 30d"})
    p1_error_share: float = field(default=0.10, metadata={
        "help": "share of failed requests of a service that users reach from which an incident is P1"})
    p1_services: int = field(default=3, metadata={
        "help": "affected services with which that share makes P1 wherever it is"})
    p1_burn_rate: float = field(default=14.4, metadata={
        "help": "how many times too fast an objective's error budget burns from which it is P1"})
    p2_error_share: float = field(default=0.02, metadata={"help": "share of failed requests from which it is P2"})
    p2_burn_rate: float = field(default=6.0, metadata={"help": "burn rate from which it is P2"})
    p2_latency_factor: float = field(default=3.0, metadata={
        "help": "times its baseline from which the latency of a service that users reach is P2"})
    p2_traffic_share: float = field(default=0.5, metadata={
        "help": "share of its traffic that a service that users reach has to lose for P2"})
    checkpoint_interval: timedelta = field(default=timedelta(seconds=60), metadata={
        "help": "how often what the detectors know is stored; after a crash the log is read from there",
        "example": "60s"})
    database_connections: int = field(default=8, metadata={"help": "most connections to PostgreSQL"})

    def problems(self) -> Iterable[tuple[str, str]]:
        """Values that cannot be."""
        try:
            rules(self.signals)
        except ValueError as error:
            yield "signals", str(error)
        try:
            objectives(self.objectives)
        except ValueError as error:
            yield "objectives", str(error)
        for name in ("hold", "change_lookback", "silence", "checkpoint_interval"):
            if getattr(self, name) <= timedelta(0):
                yield name, "must be longer than nothing"
        for name in ("p1_error_share", "p2_error_share", "p2_traffic_share"):
            if not 0 < getattr(self, name) <= 1:
                yield name, f"{getattr(self, name)} is no share between 0 and 1"
        if self.p2_error_share > self.p1_error_share:
            yield "p2_error_share", "is above p1_error_share, so that it could never apply"
        if self.p2_burn_rate > self.p1_burn_rate:
            yield "p2_burn_rate", "is above p1_burn_rate, so that it could never apply"
        if self.p1_services < 1 or self.p2_latency_factor <= 1:
            yield "p1_services" if self.p1_services < 1 else "p2_latency_factor", "must be above 1, else all is severe"
        if self.strength <= 0:
            yield "strength", "must be positive; 6 is the default"
        if self.database_connections < 3:
            yield "database_connections", f"{self.database_connections} is less than the 3 that detection needs"
