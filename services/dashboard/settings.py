"""What can be set of the dashboard: `[dashboard]` of afteraction.toml, AFTERACTION_DASHBOARD_*."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Settings:
    """The dashboard's own settings; address, token and TLS are among the common ones."""

    session_lifetime: timedelta = field(
        default=timedelta(hours=12), metadata={"help": "how long a browser stays signed in", "example": "12h"})
    page_size: int = field(default=50, metadata={"help": "rows of a list on one page"})
    hosts: tuple[str, ...] = field(default=(), metadata={
        "help": "host names under which browsers may reach the dashboard, beside loopback and its own address",
        "example": "afteraction.example.org"})

    def problems(self) -> Iterable[tuple[str, str]]:
        """Fields whose values cannot be, and why."""
        if not 1 <= self.page_size <= 1000:
            yield "page_size", f"{self.page_size} is not between 1 and 1000"
        if self.session_lifetime < timedelta(minutes=1):
            yield "session_lifetime", "a session shorter than a minute signs people out while they read"
