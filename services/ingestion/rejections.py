"""What of a request could not be taken: how many items, and why, for OTLP's partial_success."""

from collections import Counter


class Rejections:
    """Counts by reason."""

    def __init__(self) -> None:
        self._reasons: Counter[str] = Counter()

    def add(self, reason: str, count: int = 1) -> None:
        if count:
            self._reasons[reason] += count

    def __len__(self) -> int:
        return self._reasons.total()

    def __bool__(self) -> bool:
        return bool(self._reasons)

    @property
    def message(self) -> str:
        """`2: time_unix_nano is missing; 1: …`, the most frequent first."""
        return "; ".join(f"{count}: {reason}" for reason, count in self._reasons.most_common(5))
