"""Kinds of failure: the same one in other words, and how much of them a document shares with a query."""

import numpy as np
import pytest

from services.memory.failure_modes import MODES, modes, shared


def spoken_of(text: str) -> set[str]:
    return {MODES[mode] for mode in np.flatnonzero(modes(text))}


@pytest.mark.parametrize(
    ("one", "other", "both_about"),
    [
        ("write failed: no space left on device", "The volume was completely full", "full disk"),
        ("KubePodOOMKilled on the worker", "it ran out of memory and was terminated", "out of memory"),
        ("x509: certificate has expired", "nobody renewed the TLS cert", "certificate"),
        ("Requests were retried without back-off", "a retry storm followed", "retries"),
        ("getaddrinfo: NXDOMAIN", "the name servers did not answer", "name resolution"),
        ("too many connections", "the connection pool was exhausted", "used up connections"),
    ],
)
def test_one_failure_in_two_ways_is_one_kind(one: str, other: str, both_about: str) -> None:
    assert both_about in spoken_of(one) & spoken_of(other)


def test_small_words_between_do_not_matter_and_others_do() -> None:
    assert "full disk" in spoken_of("the disk was very full")
    assert "full disk" not in spoken_of("the disk of a full rack")


def test_text_about_other_things_speaks_of_no_failure() -> None:
    assert spoken_of("roast the chicken with lemon and thyme") == set()


def test_counts_stop_at_what_a_byte_holds() -> None:
    assert modes("outage " * 300).max() == 255


def test_document_that_shares_the_rare_kind_is_before_one_that_shares_the_common_one() -> None:
    asked = modes("a deadlock after the release")
    held = np.stack([modes("the release broke the page"), modes("rows were in a deadlock"), modes("a lamp was broken")])
    rarities = np.ones(len(MODES), dtype=np.float32)
    rarities[MODES.index("lock")] = 3.0

    found = shared(asked, held, rarities, mean_length=1.0)

    assert found[1] > found[0] > found[2] == 0.0


def test_query_that_speaks_of_no_failure_shares_none() -> None:
    held = np.stack([modes("an outage"), modes("a crash")])

    assert shared(modes("hello"), held, np.ones(len(MODES), dtype=np.float32), 1.0).tolist() == [0.0, 0.0]
