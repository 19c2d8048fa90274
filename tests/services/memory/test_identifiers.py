"""Words and identifiers as terms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.memory.identifiers import LONGEST_TERM, alert_like, stem, terms


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        ("KubePodNotReady", {"kubepodnotready", "kube", "pod", "ready"}),
        ("checkout-api", {"checkout-api", "checkout", "api"}),
        ("pool_timeout_ms", {"pool_timeout_ms", "pool", "timeout", "ms"}),
        ("java.net.SocketException", {"java.net.socketexception", "java", "net", "socket"}),
        ("HTTPServerError", {"http", "server"}),
    ],
)
def test_identifier_is_found_by_its_whole_and_by_its_parts(identifier: str, parts: set[str]) -> None:
    found = set(terms(identifier))

    assert {stem(part) for part in parts} <= found


def test_endings_of_nouns_and_verbs_do_not_keep_words_apart() -> None:
    assert terms("restarts") == terms("restarted") == terms("restarting") == terms("restart")
    assert terms("queries") == terms("query")
    assert terms("process") != terms("proces")


def test_stop_words_and_amounts_are_no_terms() -> None:
    assert terms("the pool was at 94.2 % of 1500 at 03:47 on 2026-07-05") == ["pool"]


def test_status_of_three_digits_is_a_term() -> None:
    assert "503" in terms("HTTP 503")


def test_abbreviation_meets_what_it_stands_for() -> None:
    assert set(terms("kubernetes database")) <= set(terms("k8s db"))


def test_only_words_written_like_an_alert_are_taken_for_one() -> None:
    said = alert_like("KubePodNotReady on node-3: the pod etcdNoLeader is not Ready")

    assert said == ["kubepodnotready", "etcdnoleader"]


@given(st.text(max_size=300))
def test_any_text_has_terms_of_bounded_length(text: str) -> None:
    assert all(0 < len(term) <= LONGEST_TERM for term in terms(text))
