"""What an answer that is no success means to who waits for an issue."""

from datetime import UTC, datetime

import pytest

from services.drafting.trackers.issue import IN_DOUBT, Answer
from services.drafting.trackers.limits import judge, retry_after_s
from shared.errors import AfteractionError, FailedPrecondition, ResourceExhausted, Unauthenticated, Unavailable

AT = datetime(2026, 7, 5, 3, 0, tzinfo=UTC)


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, AT)


@pytest.mark.parametrize(
    ("given", "kind", "wait_s"),
    [
        (answer(429, retry_after="7"), ResourceExhausted, 7.0),
        (answer(429, retry_after="Sun, 05 Jul 2026 03:00:30 GMT"), ResourceExhausted, 30.0),
        (answer(429), ResourceExhausted, 60.0),
        (answer(429, retry_after="soon"), ResourceExhausted, 60.0),
        (answer(403, b'{"message": "You have exceeded a secondary rate limit"}'), ResourceExhausted, 60.0),
        (
            answer(403, x_ratelimit_remaining="0", x_ratelimit_reset=str(int(AT.timestamp()) + 90)),
            ResourceExhausted,
            90.0,
        ),
        (answer(403, b'{"message": "Resource not accessible"}'), FailedPrecondition, None),
        (answer(401), Unauthenticated, None),
        (answer(422, b'{"message": "Validation Failed"}'), FailedPrecondition, None),
        (answer(302), FailedPrecondition, None),
        (answer(503, retry_after="20"), Unavailable, 20.0),
    ],
)
def test_refusals_are_told_from_limits_and_from_doubt(
    given: Answer, kind: type[AfteractionError], wait_s: float | None
) -> None:
    with pytest.raises(kind) as refused:
        judge("github", given)

    assert refused.value.retry_after_s == wait_s


@pytest.mark.parametrize("status", [500, 502, 504, 408])
def test_what_may_have_been_done_is_in_doubt(status: int) -> None:
    with pytest.raises(Unavailable) as doubt:
        judge("jira", answer(status, b"<html>"))

    assert doubt.value.reason == IN_DOUBT


def test_wait_that_is_over_is_none_to_wait_for() -> None:
    past = answer(403, x_ratelimit_remaining="0", x_ratelimit_reset=str(int(AT.timestamp()) - 5))

    assert retry_after_s(past) == 0.0


def test_linear_says_its_reset_in_milliseconds() -> None:
    reset = answer(400, x_ratelimit_requests_reset=str(int(AT.timestamp() * 1000) + 12_000))

    assert retry_after_s(reset) == pytest.approx(12.0)


def test_vendors_sentence_is_quoted_and_short() -> None:
    with pytest.raises(FailedPrecondition) as refused:
        judge("jira", answer(400, b'{"errorMessages": [], "errors": {"summary": "' + b"x" * 5000 + b'"}}'))

    assert "summary: xxx" in refused.value.message
    assert len(refused.value.message) < 300
