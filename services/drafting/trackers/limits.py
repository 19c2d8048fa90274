"""What an answer that is no success means: come back later, refused, or nobody knows."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from services.drafting.trackers.issue import IN_DOUBT, Answer
from shared.errors import FailedPrecondition, ResourceExhausted, Unauthenticated, Unavailable

# GitHub asks to wait at least a minute where a secondary limit comes without a time; others do well with the same.
_UNSAID_S = 60.0
_MOST_WORDS = 200


def judge(tracker: str, answer: Answer) -> None:
    """Returns where the request was done. Raises ResourceExhausted, Unauthenticated or FailedPrecondition where it
    certainly was not, Unavailable (IN_DOUBT) where it may have been."""
    if answer.status < 300:
        return
    said = f"{tracker} answered {answer.status}{_words(answer)}"
    if answer.status == 429 or (answer.status == 403 and _is_limit(answer)):
        raise ResourceExhausted(said, reason="TRACKER_LIMIT", retry_after_s=retry_after_s(answer) or _UNSAID_S)
    if answer.status >= 500 or answer.status == 408:
        raise Unavailable(said, reason=IN_DOUBT, retry_after_s=retry_after_s(answer))
    if answer.status == 401:
        raise Unauthenticated(f"{said}; is tracker_token right?", reason="TRACKER_TOKEN")
    raise FailedPrecondition(said, reason="TRACKER_REFUSED")


def retry_after_s(answer: Answer) -> float | None:
    """How long the tracker asks to be left alone; None where it does not say. Never negative."""
    given = answer.headers.get("retry-after", "").strip()
    if given:
        return _seconds(given, answer.at)
    if answer.headers.get("x-ratelimit-remaining") == "0":
        return _until(answer.headers, "x-ratelimit-reset", answer.at, per_second=1)
    for name in ("x-ratelimit-requests-reset", "x-ratelimit-complexity-reset"):
        if name in answer.headers:
            return _until(answer.headers, name, answer.at, per_second=1000)
    return None


def _is_limit(answer: Answer) -> bool:
    return (
        "retry-after" in answer.headers
        or answer.headers.get("x-ratelimit-remaining") == "0"
        or b"rate limit" in answer.body.lower()
    )


def _seconds(given: str, at: datetime) -> float | None:
    if given.isdigit():
        return float(given[:9])
    try:
        when = parsedate_to_datetime(given)
    except ValueError:
        return None
    return max(((when if when.tzinfo else when.replace(tzinfo=UTC)) - at).total_seconds(), 0.0)


def _until(headers: Mapping[str, str], name: str, at: datetime, *, per_second: int) -> float | None:
    try:
        left = float(headers.get(name, "")) / per_second - at.timestamp()
    except ValueError:
        return None
    return max(left, 0.0) if math.isfinite(left) else None


def _words(answer: Answer) -> str:
    """The tracker's own sentence, where it sent one as its interfaces do."""
    try:
        said = answer.json()
    except Unavailable:
        return ""
    if not isinstance(said, dict):
        return ""
    sentences = [said.get("message"), *_list(said.get("errorMessages")), *_list(said.get("errors"))]
    words = "; ".join(_sentence(each) for each in sentences if each)
    return f": {' '.join(words.split())[:_MOST_WORDS]}" if words else ""


def _sentence(said: object) -> str:
    return str(said.get("message", "")) if isinstance(said, dict) else str(said)


def _list(value: object) -> list[object]:
    if isinstance(value, dict):
        return [f"{name}: {text}" for name, text in value.items()]
    return value if isinstance(value, list) else []
