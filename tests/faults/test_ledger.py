"""The validators see what they are there to see."""

from tests.faults.ledger import Ledger, acknowledged_is_durable, nothing_is_made_up, order_is_kept, stored_once


def test_what_was_acknowledged_and_is_missing_is_told() -> None:
    ledger = Ledger(sent={1, 2, 3}, acknowledged={1, 2})

    assert acknowledged_is_durable(ledger, [1, 3]) == {2}
    assert acknowledged_is_durable(ledger, [1, 2]) == set()


def test_what_is_there_twice_is_told() -> None:
    assert stored_once([1, 2, 2, 3]) == {2}
    assert stored_once([1, 2, 3]) == set()


def test_what_was_never_sent_is_told() -> None:
    assert nothing_is_made_up(Ledger(sent={1}), [1, 7]) == {7}


def test_positions_that_fall_or_repeat_are_told() -> None:
    assert order_is_kept([1, 3, 2, 2]) == [(3, 2), (2, 2)]
    assert order_is_kept([1, 2, 9]) == []
