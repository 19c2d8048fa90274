"""Why: what convinces the person on call, and never what any incident text says."""

from collections.abc import Mapping

from services.memory.collection import entry
from services.memory.documents import Document, Kind, Passage, Role
from services.memory.identifiers import terms
from services.memory.reasons import asked, reasons
from services.memory.search import Hit, Query


def why(
    query: Query, document: Document, text: str, *, rarities: Mapping[str, float] | None = None
) -> tuple[str, ...]:
    """rarities: of the terms of the query; None: all are rare."""
    hit = Hit(entry(document, 1), 0, 0.5, 1.0, 0.3, 0.2, 0.0)
    known = rarities or dict.fromkeys(terms(query.words()), 3.0)
    return reasons(asked(query, known), hit, document, Passage(0, Role.SUMMARY, "Summary", text))


def postmortem(**facts: tuple[str, ...]) -> Document:
    return Document(Kind.POSTMORTEM, "Checkout could not pay", "…", name="documents/1", **facts)  # type: ignore[arg-type]


def test_what_every_incident_says_is_no_reason() -> None:
    query = Query(
        text="p95 of db.client.operation.duration left its baseline, error rate 4 %",
        symptoms=("latency of storefront db.client.operation.duration",),
        services=("storefront",),
    )
    text = "storefront: db.client.operation.duration p95 rate reached 2 s against its baseline"

    said = why(query, postmortem(), text)

    assert not any(word in " ".join(said) for word in ("p95", "baseline", "rate", "duration", "storefront"))


def test_shared_identifiers_come_before_shared_words() -> None:
    query = Query(text="vouchers fail with PoolTimeoutError since the voucher campaign")

    said = why(query, postmortem(), "PoolTimeoutError for every voucher of the campaign")

    assert said[-1].startswith("both say PoolTimeoutError")
    assert "campaign" in said[-1]


def test_words_that_most_documents_hold_explain_nothing() -> None:
    query = Query(text="kubernetes voucher")

    said = why(query, postmortem(), "kubernetes voucher", rarities={"kubernet": 0.2, "voucher": 2.0})

    assert said == ("both say voucher",)


def test_log_line_is_the_same_when_only_its_variables_differ() -> None:
    query = Query(log_patterns=("could not get a connection within <*> ms from pool <*>",))
    known = postmortem(log_patterns=("could not get a connection within <NUM> ms from pool checkout-<NUM>",))

    said = why(query, known, "nothing")

    assert said[0] == "same log line: could not get a connection within … ms from pool checkout-…"


def test_exact_things_come_first_and_the_kind_of_failure_has_a_name() -> None:
    query = Query(
        text="certificate expired", services=("login",), alert_names=("CertificateExpired",), tags=("security",)
    )
    known = postmortem(services=("login",), alert_names=("CertificateExpired",), tags=("security",))

    said = why(query, known, "The TLS certificate was not renewed and expired")

    assert said[:2] == ("same alert CertificateExpired", "same service login")
    assert said[2] == "same kind of failure: certificate, expiry"
