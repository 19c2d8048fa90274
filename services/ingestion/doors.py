"""The ways in, and what came through each: counted in memory, made durable every few seconds."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from shared.clock import Clock
from shared.errors import AfteractionError
from shared.postgres.pool import AWAY

MOST_SENDERS = 200


@dataclass(slots=True)
class SenderCount:
    """What one sender, as it names itself, has sent through one door."""

    items: int = 0
    last_received_at: datetime | None = None


@dataclass(slots=True)
class Door:
    """One way in. address: empty where it is switched off."""

    name: str
    address: str = ""
    accepted_requests: int = 0
    rejected_requests: int = 0
    accepted_items: int = 0
    rejected_items: int = 0
    last_received_at: datetime | None = None
    last_error: str = ""
    # By stream, service and user agent.
    senders: dict[tuple[str, str, str], SenderCount] = field(default_factory=dict)

    def accept(self, at: datetime, *, stream: str, services: Iterable[str], user_agent: str, items: int,
               rejected: int = 0, message: str = "") -> None:
        """A request was taken, wholly or in part."""
        self.accepted_requests += 1
        self.accepted_items += items
        self.rejected_items += rejected
        self.last_received_at = at
        if message:
            self.last_error = message[:500]
        names = tuple(services)
        for service in names:
            key = (stream, service, user_agent[:200])
            if key not in self.senders and len(self.senders) >= MOST_SENDERS:
                continue
            sender = self.senders.setdefault(key, SenderCount())
            sender.items += items // max(len(names), 1)
            sender.last_received_at = at

    def reject(self, at: datetime, message: str, items: int = 0) -> None:
        """A request was turned away."""
        self.rejected_requests += 1
        self.rejected_items += items
        self.last_received_at = at
        self.last_error = message[:500]


NAMES = ("otlp-grpc", "otlp-http", "remote-write", "events", "webhooks/alertmanager", "webhooks/grafana",
         "webhooks/pagerduty", "webhooks/github", "webhooks/argocd", "webhooks/kubernetes",
         "webhooks/cloudevents", "webhooks/events")


class Doors:
    """All of them, by name."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._doors = {name: Door(name, addresses.get(name, "")) for name in NAMES}

    def __getitem__(self, name: str) -> Door:
        return self._doors[name]

    @contextmanager
    def counting(self, name: str, clock: Clock) -> Iterator[None]:
        """Counts what the block refuses, with the reason."""
        try:
            yield
        except (AfteractionError, *AWAY) as error:
            self._doors[name].reject(clock.now(), str(error))
            raise

    def all(self) -> list[Door]:
        """In a fixed order."""
        return list(self._doors.values())

    def restore(self, doors: Iterable[Door]) -> None:
        """Takes over the counts of an earlier life; addresses are this one's."""
        for door in doors:
            if door.name in self._doors:
                door.address = self._doors[door.name].address
                self._doors[door.name] = door
