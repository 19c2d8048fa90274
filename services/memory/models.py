"""The embedding model in use, and the way to another: re-embed behind, then switch.

Which model is in use stands in PostgreSQL, so that all replicas answer with the same one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.memory.embedding import Batches, Encoder, Vectors


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model with the queue before it."""

    encoder: Encoder
    batches: Batches

    @property
    def name(self) -> str:
        return self.encoder.name

    def nothing(self) -> Vectors:
        """Vectors of no text."""
        return np.zeros((0, self.encoder.dimension), dtype=np.float32)


class Models:
    """The one that answers. Held by all who embed, so that a switch reaches them at once."""

    def __init__(self, active: Model) -> None:
        self.active = active
