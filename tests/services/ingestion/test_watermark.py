"""How far the event time of a stream is complete."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.ingestion.watermark import Progress, Sender, active, advance, heard, marked

SECOND = 1_000_000_000
NOW = 1_783_220_400 * SECOND
TOLERANCE = 300 * SECOND


def at(*seconds: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array([NOW + each * SECOND for each in seconds], np.int64)


def test_one_future_time_among_others_moves_nothing() -> None:
    senders = heard({}, "a", at(-5, 400), NOW, TOLERANCE)

    assert senders["a"].latest == NOW - 5 * SECOND


def test_sender_all_of_whose_times_are_insane_holds_nobody() -> None:
    senders = heard(heard({}, "a", at(0), NOW, TOLERANCE), "mad", at(10**6), NOW, TOLERANCE)

    assert advance(Progress(), senders, 0).watermark == NOW


def test_slowest_active_sender_holds_the_watermark_until_it_is_silent() -> None:
    senders = heard(heard({}, "slow", at(-60), NOW - 80 * SECOND, TOLERANCE), "quick", at(0), NOW, TOLERANCE)

    assert advance(Progress(), senders, 30 * SECOND).watermark == NOW - 90 * SECOND
    left = active(senders, NOW + 20 * SECOND, 90 * SECOND)
    assert advance(Progress(), left, 30 * SECOND).watermark == NOW - 30 * SECOND


def test_in_a_silence_of_everybody_the_stream_goes_on_from_its_latest_time() -> None:
    senders = heard(heard({}, "a", at(-100), NOW - 50 * SECOND, TOLERANCE), "b", at(0), NOW, TOLERANCE)

    left = active(senders, NOW + 150 * SECOND, 90 * SECOND)

    assert list(left) == ["b"]
    quiet = advance(Progress(), left, 30 * SECOND, now=NOW + 150 * SECOND, timeout_ns=90 * SECOND)
    assert quiet.watermark == NOW + (150 - 90 - 30) * SECOND


def test_sender_whose_clock_stands_in_the_past_does_not_stop_the_others() -> None:
    progress = Progress(NOW - 10 * SECOND)
    senders = {"old": Sender(NOW - 3600 * SECOND, NOW), "quick": Sender(NOW, NOW)}

    assert advance(progress, senders, 0).watermark == NOW


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-500, 500), st.integers(0, 100)), max_size=20))
def test_watermark_never_goes_back_and_never_passes_the_latest_sane_time(
        sent: list[tuple[str, int, int]]) -> None:
    progress, now, sane = Progress(), NOW, [0]
    senders: dict[str, Sender] = {}
    for name, second, passed in sent:
        now += passed * SECOND
        senders = active(heard(senders, name, at(second), now, TOLERANCE), now, 90 * SECOND)
        sane += [int(time) for time in at(second) if time <= now + TOLERANCE]
        after = advance(progress, senders, 0)

        assert progress.watermark <= after.watermark <= max(sane)
        progress = after


def test_marks_close_a_stream_for_good() -> None:
    closed = marked(Progress(5), 9, True)

    assert closed == Progress(9, True)
    assert marked(closed, 3, False) == closed
