"""Files in over the stream, good, bad and hostile ones."""

from collections.abc import Sequence

import pytest

from afteraction.v1 import memory_service_pb2 as pb
from afteraction.v1.document_pb2 import DOCUMENT_KIND_POSTMORTEM, DOCUMENT_KIND_RUNBOOK
from shared.errors import InvalidArgument
from tests.services.memory.conftest import Running

Outcome = pb.ImportDocumentsResponse
GOOD = b"# Login down\n\n## Summary\n\nThe certificate had expired.\n\n## Timeline\n\n- 2024-02-03 10:00 Down\n"
RUNBOOK = b"# DiskFull\n\n## Diagnosis\n\nLook.\n\n## Mitigation\n\nGrow.\n"


async def import_(memory: Running, files: Sequence[tuple[str, bytes]]) -> list[pb.ImportDocumentsResponse]:
    async def requests() -> object:
        for path, content in files:
            yield pb.ImportDocumentsRequest(path=path, content=content)

    return [report async for report in memory.stub.ImportDocuments(requests())]


async def test_each_file_gets_a_report_in_order(memory: Running) -> None:
    reports = await import_(memory, [("a/login.md", GOOD), ("disk.md", RUNBOOK), ("b.md", b"\xff\xff")])

    assert [report.path for report in reports] == ["a/login.md", "disk.md", "b.md"]
    assert [report.outcome for report in reports] == [
        Outcome.OUTCOME_IMPORTED,
        Outcome.OUTCOME_IMPORTED,
        Outcome.OUTCOME_SKIPPED,
    ]
    assert [report.kind for report in reports[:2]] == [DOCUMENT_KIND_POSTMORTEM, DOCUMENT_KIND_RUNBOOK]
    assert list(reports[0].sections) == ["summary", "timeline"]
    assert "byte 0" in reports[2].reason
    assert (await memory.search("certificate expired", reports[1].position)).results[0].document.title == "Login down"


async def test_import_again_changes_nothing_and_an_edited_file_replaces_itself(memory: Running) -> None:
    first = await import_(memory, [("login.md", GOOD)])
    again = await import_(memory, [("login.md", GOOD)])
    edited = await import_(memory, [("login.md", GOOD + b"\n## Lessons learned\n\nRenew.\n")])

    assert again[0].outcome == Outcome.OUTCOME_UNCHANGED
    assert edited[0].outcome == Outcome.OUTCOME_UPDATED
    assert first[0].document == again[0].document == edited[0].document
    assert (await memory.stub.GetIndex(pb.GetIndexRequest())).documents == 1


async def test_same_text_under_other_paths_is_kept_once_and_the_report_says_where(memory: Running) -> None:
    reports = await import_(memory, [(f"copies/{number}.md", GOOD) for number in range(200)])

    assert reports[0].outcome == Outcome.OUTCOME_IMPORTED
    assert {report.outcome for report in reports[1:]} == {Outcome.OUTCOME_SKIPPED}
    assert {report.reason for report in reports[1:]} == {"the same text as copies/0.md"}
    assert (await memory.stub.GetIndex(pb.GetIndexRequest())).documents == 1


async def test_file_that_became_equal_to_another_still_replaces_what_it_was(memory: Running) -> None:
    await import_(memory, [("login.md", GOOD), ("disk.md", GOOD.replace(b"Login", b"Disk"))])

    became_equal = await import_(memory, [("disk.md", GOOD)])

    assert became_equal[0].outcome == Outcome.OUTCOME_UPDATED


@pytest.mark.parametrize(
    "content",
    [
        b"x" * 10_000_000,
        b"# Outage\n\n## Timeline\n\n" + b"x" * 5_000,
        b"# Outage\n\n## Timeline\n\n<script>alert(1)</script>\n",
        b"# Outage\n" + b"## Timeline\n" * 20_000,
        b"#" * 100_000,
        b"---\n" * 20_000,
        b"# Outage\n\n" + b"| a " * 1_000 + b"\n|" + b"-|" * 1_000,
        b"# Outage\n\n" + b"[" * 1_000 + b"](" * 1_000,
        b"# Outage\n\n## Summary\n\n" + b"<a" * 1_000 + b"<!--" * 1_000,
        "# Ausfall\n\n## Timeline\n\n\u202e\u0000".encode(),
        b"",
    ],
)
async def test_hostile_file_is_handled_and_the_service_goes_on(memory: Running, content: bytes) -> None:
    reports = await import_(memory, [("hostile.md", content), ("login.md", GOOD)])

    assert reports[0].outcome in (Outcome.OUTCOME_IMPORTED, Outcome.OUTCOME_SKIPPED)
    assert reports[0].reason or reports[0].sections
    assert reports[1].outcome == Outcome.OUTCOME_IMPORTED


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"title": "a\x00b"}, "NUL_CHARACTER"),
        ({"title": "  "}, "BLANK_TITLE"),
        ({"markdown": " \n "}, "BLANK_DOCUMENT"),
        ({"services": ["a\x00"]}, "NUL_CHARACTER"),
    ],
)
async def test_document_that_cannot_be_kept_is_refused(memory: Running, facts: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await memory.remember(str(facts.pop("title", "Login")), str(facts.pop("markdown", "Text")), **facts)

    assert refused.value.reason == reason
    assert refused.value.violations[0].subject.startswith("document.")


async def test_report_names_what_a_file_replaced_and_what_waits(memory: Running) -> None:
    await import_(memory, [("login.md", GOOD), ("disk.md", RUNBOOK)])
    runbook = (await memory.stub.ListRunbooks(pb.ListRunbooksRequest())).runbooks[0]
    await memory.stub.UpdateRunbook(
        pb.UpdateRunbookRequest(name=runbook.name, markdown="# Mine\n", author="ada", etag=runbook.etag)
    )

    again = await import_(memory, [("disk.md", RUNBOOK)])
    reports = await import_(
        memory, [("login.md", GOOD.replace(b"Login down", b"Mail down")), ("disk.md", RUNBOOK + b"\nMore.\n")]
    )

    assert again[0].outcome == Outcome.OUTCOME_UNCHANGED
    assert [report.outcome for report in reports] == [Outcome.OUTCOME_UPDATED, Outcome.OUTCOME_PROPOSED]
    assert reports[0].reason == "replaces 'Login down'"
    assert "proposal" in reports[1].reason
    assert reports[1].position >= reports[0].position
