"""What can be set about memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.memory.embedding import BUNDLED
from services.memory.index import FLAT_UP_TO


@dataclass(frozen=True, slots=True)
class Settings:
    """Section `memory`."""

    model: str = field(
        default=BUNDLED,
        metadata={
            "help": "embedding model: the bundled one, or a directory in the format of sentence-transformers; another "
            "one than before re-embeds in the background",
            "example": "/var/lib/models/multi-qa-MiniLM-L6-cos-v1",
        },
    )
    encoding_threads: int = field(
        default=1, metadata={"help": "cores that one embedding may use", "example": "2"}
    )
    search_threads: int = field(
        default=2, metadata={"help": "searches that run at the same time", "example": "4"}
    )
    flat_up_to: int = field(
        default=FLAT_UP_TO,
        metadata={"help": "passages up to which every search compares with all; above, a graph", "example": "50000"},
    )
    database_connections: int = field(
        default=10, metadata={"help": "most connections to PostgreSQL", "example": "10"}
    )

    def problems(self) -> Iterable[tuple[str, str]]:
        """Values that cannot be."""
        for name in ("encoding_threads", "search_threads"):
            if not 1 <= getattr(self, name) <= 256:
                yield name, f"{getattr(self, name)} is not between 1 and 256"
        if self.flat_up_to < 0:
            yield "flat_up_to", f"{self.flat_up_to} is negative"
        if self.database_connections < 3:
            yield "database_connections", f"{self.database_connections} is less than the 3 that memory needs"
