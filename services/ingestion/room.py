"""How much may be under way at once, over all doors: past it senders are told to come back later, long before memory
runs out."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import ResourceExhausted

_RETRY_AFTER_S = 2.0


class Hold:
    """What one request takes of the room."""

    def __init__(self, room: "Room") -> None:
        self._room = room
        self.size = 0

    def grow(self, size: int) -> None:
        """Takes `size` bytes more. Raises ResourceExhausted when there is no room for them."""
        self._room.take(size)
        self.size += size


class Room:
    """Bytes of requests under way."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self.pending_bytes = 0

    def take(self, size: int) -> None:
        if self.pending_bytes + size > self._most_bytes:
            raise ResourceExhausted("too much is under way at once; try again", reason="TOO_BUSY",
                                    retry_after_s=_RETRY_AFTER_S)
        self.pending_bytes += size

    @contextmanager
    def hold(self, size: int = 0) -> Iterator[Hold]:
        """Takes `size` bytes, and whatever the hold grows by, until the block ends. Raises ResourceExhausted."""
        hold = Hold(self)
        try:
            hold.grow(size)
            yield hold
        finally:
            self.pending_bytes -= hold.size
