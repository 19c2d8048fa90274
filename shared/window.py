"""Half-open intervals of event time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class Window:
    """The event times from `start` until right before `end`, both aware. Raises InvalidArgument when empty."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise InvalidArgument(f"window.end {self.end:%Y-%m-%d %H:%M:%S} is not after "
                                  f"window.start {self.start:%Y-%m-%d %H:%M:%S}",
                                  reason="EMPTY_WINDOW", field="window.end")

    @property
    def duration(self) -> timedelta:
        return self.end - self.start

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end

    def overlaps(self, other: "Window") -> bool:
        """Whether there is a time that lies in both."""
        return self.start < other.end and other.start < self.end
