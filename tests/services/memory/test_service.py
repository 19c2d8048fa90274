"""Documents in, similar ones out, over gRPC."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from afteraction.v1 import memory_service_pb2 as pb
from afteraction.v1.document_pb2 import DOCUMENT_KIND_POSTMORTEM, DOCUMENT_KIND_RUNBOOK, Document
from shared.errors import InvalidArgument, NotFound, Unavailable
from tests.services.memory.conftest import Running

POOL = """# Checkout failed: connection pool exhausted

## Summary

Checkouts failed with HTTP 500 because every request waited for a database connection.

## Root cause

A release asked the database once per cart item; ten connections were not enough.
"""
CERTIFICATE = """# Login down: expired certificate

## Summary

Nobody could log in: the TLS certificate of the identity provider had expired.
"""
DISK = """# DiskAlmostFull

## Meaning

The volume of a database is nearly full.

## Diagnosis

1. Look for the largest tables.

## Mitigation

1. Grow the volume.
"""


async def test_document_is_found_at_the_position_that_remember_returned(memory: Running) -> None:
    await memory.remember("Login down: expired certificate", CERTIFICATE)
    stored = await memory.remember("Checkout failed: connection pool exhausted", POOL, services=["checkout-api"])

    found = await memory.search("requests time out waiting for a connection from the pool", stored.position)

    assert found.results[0].document.name == stored.document.name
    assert found.position >= stored.position
    assert found.results[0].score > found.results[1].score


async def test_result_says_which_passage_matched_and_why(memory: Running) -> None:
    stored = await memory.remember("Checkout failed: connection pool exhausted", POOL, services=["checkout-api"])
    query = pb.Query(text="one query per cart item exhausts the connections", services=["checkout-api"])

    result = (await memory.search(position=stored.position, query=query)).results[0]

    assert "cart item" in result.passage.text
    assert "same service checkout-api" in result.reasons
    assert any(reason.startswith("both say") and "cart" in reason for reason in result.reasons)


async def test_answer_carries_the_passage_and_not_the_whole_document(memory: Running) -> None:
    stored = await memory.remember("Login down", "# Login down\n\n## Summary\n\nThe certificate had expired.\n")

    result = (await memory.search("certificate expired", stored.position)).results[0]

    assert "certificate had expired" in result.passage.text
    assert not result.document.markdown
    document = await memory.stub.GetDocument(pb.GetDocumentRequest(name=result.document.name))
    assert document.markdown.startswith("# Login down")


async def test_every_result_has_a_reason(memory: Running) -> None:
    await memory.remember("Login down", "# Login down\n\n## Summary\n\nThe certificate had expired.\n")
    stored = await memory.remember("Lunch", "# Lunch\n\n## Summary\n\nPasta was late.\n")

    found = await memory.search("wibble service down", stored.position)

    assert len(found.results) == 2
    assert all(result.reasons for result in found.results)


async def test_nothing_similar_is_said_instead_of_noise(memory: Running) -> None:
    stored = await memory.remember("Login down: expired certificate", CERTIFICATE)

    strict = await memory.search("recipe for apple pie with cinnamon", stored.position, include_weak=False)
    lenient = await memory.search("recipe for apple pie with cinnamon", stored.position)

    assert not strict.results
    assert all(result.is_weak for result in lenient.results)


async def test_same_document_again_changes_nothing(memory: Running) -> None:
    first = await memory.remember("Login down", CERTIFICATE, source_id="postmortems/a")
    again = await memory.remember("Login down", CERTIFICATE, source_id="postmortems/a")

    assert again.is_unchanged
    assert again.document.name == first.document.name
    assert again.position == first.position


async def test_same_source_replaces_what_was_there(memory: Running) -> None:
    first = await memory.remember("Login down", CERTIFICATE, source_id="postmortems/a")
    second = await memory.remember("Checkout failed", POOL, source_id="postmortems/a")

    found = await memory.search("certificate expired", second.position)

    assert second.document.name == first.document.name
    assert [result.document.title for result in found.results] == ["Checkout failed"]


async def test_forgotten_document_is_not_found_any_more(memory: Running) -> None:
    stored = await memory.remember("Login down", CERTIFICATE)
    position = (await memory.stub.Forget(pb.ForgetRequest(name=stored.document.name))).position

    found = await memory.search("certificate expired", position)

    assert not found.results
    with pytest.raises(NotFound):
        await memory.stub.GetDocument(pb.GetDocumentRequest(name=stored.document.name))
    with pytest.raises(NotFound):
        await memory.stub.Forget(pb.ForgetRequest(name=stored.document.name))


async def test_filters_apply_inside_the_search(memory: Running) -> None:
    for number in range(12):
        await memory.remember(f"Checkout failed {number}", POOL, services=["checkout-api"], source_id=str(number))
    other = await memory.remember("Login down", CERTIFICATE, services=["identity"], tags=["tls"], severity=2)
    runbook = await memory.remember("DiskAlmostFull", DISK, kind=DOCUMENT_KIND_RUNBOOK)

    async def only(**facts: object) -> list[str]:
        chosen = pb.Filter(**facts)  # type: ignore[arg-type]
        found = await memory.search("checkout connection pool", runbook.position, filter=chosen, limit=5)
        return [result.document.title for result in found.results]

    assert await only(services=["identity"]) == ["Login down"]
    assert await only(tags=["TLS"]) == ["Login down"]
    assert await only(severities=[2]) == ["Login down"]
    assert await only(kinds=[DOCUMENT_KIND_RUNBOOK]) == ["DiskAlmostFull"]
    assert other.document.name not in [
        result.document.name
        for result in (
            await memory.search("login", runbook.position, filter=pb.Filter(exclude=[other.document.name]), limit=50)
        ).results
    ]


async def test_stream_sees_live_and_its_own_documents_only(memory: Running) -> None:
    await memory.remember("Login down", CERTIFICATE, source_id="live")
    last = await memory.remember("Login down", CERTIFICATE, source_id="replay", stream="replay-1")

    in_live = await memory.search("certificate", last.position)
    in_replay = await memory.search("certificate", last.position, stream="replay-1")
    in_other = await memory.search("certificate", last.position, stream="replay-2")

    assert [r.document.stream for r in in_live.results] == ["live"]
    assert sorted(r.document.stream for r in in_replay.results) == ["live", "replay-1"]
    assert [r.document.stream for r in in_other.results] == ["live"]


async def test_what_another_stream_holds_changes_no_score(memory: Running) -> None:
    first = await memory.remember("Login down", CERTIFICATE, source_id="live")
    before = await memory.search("certificate expired", first.position)
    last = first
    for number in range(5):
        last = await memory.remember("Other", CERTIFICATE, source_id=str(number), stream="replay-1")

    after = await memory.search("certificate expired", last.position)

    assert after.results[0].bm25_score == before.results[0].bm25_score


async def test_replay_does_not_see_its_own_future(memory: Running) -> None:
    await memory.remember("Login down", CERTIFICATE, occurred_at=Timestamp(seconds=1000), source_id="past")
    last = await memory.remember("Checkout failed", POOL, occurred_at=Timestamp(seconds=2000), source_id="future")

    found = await memory.search("checkout login", last.position, as_of=Timestamp(seconds=2000))

    assert [result.document.title for result in found.results] == ["Login down"]


async def test_position_that_nobody_reached_is_refused(memory: Running) -> None:
    await memory.remember("Login down", CERTIFICATE)

    with pytest.raises(Unavailable) as refused:
        await memory.search("certificate", 1000)

    assert refused.value.reason == "POSITION_AHEAD"


@pytest.mark.parametrize("query", [pb.Query(), pb.Query(text="   \n")])
async def test_empty_query_is_refused(memory: Running, query: pb.Query) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await memory.search(query=query)

    assert refused.value.reason == "EMPTY_QUERY"


async def test_retry_with_the_same_request_id_gets_the_first_answer(memory: Running) -> None:
    request = pb.RememberRequest(
        document=Document(kind=DOCUMENT_KIND_POSTMORTEM, title="Login down", markdown=CERTIFICATE), request_id="r1"
    )
    first = await memory.stub.Remember(request)

    again = await memory.stub.Remember(request)

    assert again == first
    request.document.title = "Another"
    with pytest.raises(InvalidArgument):
        await memory.stub.Remember(request)


async def test_documents_are_listed_in_pages(memory: Running) -> None:
    for number in range(5):
        await memory.remember(f"Incident {number}", CERTIFICATE, source_id=str(number))

    first = await memory.stub.ListDocuments(pb.ListDocumentsRequest(page_size=3))
    second = await memory.stub.ListDocuments(pb.ListDocumentsRequest(page_size=3, page_token=first.next_page_token))

    assert [len(first.documents), len(second.documents)] == [3, 2]
    assert not second.next_page_token
    assert len({document.name for document in [*first.documents, *second.documents]}) == 5


async def test_runbook_that_the_alert_links_to_comes_first(memory: Running) -> None:
    await memory.remember("Login down", CERTIFICATE)
    linked = await memory.remember(
        "DiskAlmostFull", DISK, kind=DOCUMENT_KIND_RUNBOOK, url="https://runbooks.example/DiskAlmostFull/"
    )
    query = pb.Query(text="the certificate expired", runbook_urls=["http://runbooks.example/DiskAlmostFull#diagnosis"])

    found = await memory.search(position=linked.position, query=query, include_weak=False)

    assert found.results[0].document.title == "DiskAlmostFull"
    assert found.results[0].runbook.startswith("runbooks/")
    assert found.results[0].reasons[0] == "the alert links to this runbook"


async def test_index_tells_what_it_holds(memory: Running) -> None:
    stored = await memory.remember("Login down", CERTIFICATE)
    await memory.search("certificate", stored.position)

    index = await memory.stub.GetIndex(pb.GetIndexRequest())

    assert (index.model, index.type, index.documents) == ("all-MiniLM-L6-v2", "flat", 1)
    assert index.position == stored.position
    assert index.bytes == index.passages * 384 * 4
