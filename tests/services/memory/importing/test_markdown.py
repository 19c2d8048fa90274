"""Files as teams keep them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.memory.documents import Kind
from services.memory.importing.markdown import MOST_BYTES, Imported, Skipped, read

NARRATIVE = b"""# 2018-02-22 NGINX crash

## Summary

Everything was down.

## Timeline

All times in PST

### 2018-02-22 16:30

Emails about the outage.

### 16:35

Back again.

## Action items

1. Email everybody.
"""
LABELS = b"""---
title: Incident on 2020-02-18
weight: 32
severity: P2
tags: [dns, network]
services: checkout-api
---

# Incident on 2020-02-18

- **Key events**
  - Fault occurs 2020-02-18 14:13
  - Resolved 2020-02-18 14:59

- **Identified**: a probe reported it.

- **Impact**:
  - Nobody could log in.

- **Resolution**:
    Restarted.
"""
TABLE = b"""Total node failure
==================

Summary
-------

All nodes died.

Timeline
--------

| Date and time in CET | Event |
|----------------------|-------|
| 2023-02-13 08:30     | Start |
| 2023-02-13 23:50     | Late  |
| 00:10                | Over midnight |
"""
RUNBOOK = b"""# DiskAlmostFull

## Meaning

Nearly full.

## Diagnosis

Look.

## Mitigation

Grow.
"""


def imported(path: str, content: bytes) -> Imported:
    found = read(path, content)
    assert isinstance(found, Imported), found
    return found


def test_narrative_with_times_as_headings_is_understood() -> None:
    found = imported("incidents/nginx.md", NARRATIVE)

    assert found.document.title == "2018-02-22 NGINX crash"
    assert found.document.kind is Kind.POSTMORTEM
    assert found.document.occurred_at == datetime(2018, 2, 23, 0, 30, tzinfo=UTC)
    assert found.sections == ("summary", "timeline", "action")
    assert found.times == 2


def test_bold_labels_and_front_matter_are_understood() -> None:
    found = imported("2020-02-18.md", LABELS)

    assert found.document.title == "Incident on 2020-02-18"
    assert found.document.severity == 2
    assert found.document.tags == ("dns", "network")
    assert found.document.services == ("checkout-api",)
    assert {"timeline", "symptoms", "impact", "mitigation"} <= set(found.sections)


def test_underlined_headings_and_tables_are_understood_and_midnight_is_passed() -> None:
    found = imported("node.md", TABLE)

    assert found.document.title == "Total node failure"
    assert found.document.occurred_at == datetime(2023, 2, 13, 7, 30, tzinfo=UTC)
    assert found.times == 3


def test_runbook_is_told_from_a_post_mortem_by_its_headings() -> None:
    assert imported("DiskAlmostFull.md", RUNBOOK).document.kind is Kind.RUNBOOK


def test_file_is_its_own_source() -> None:
    assert imported("a/b.md", NARRATIVE).document.source_id == "a/b.md"


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("a.md", b"", "empty"),
        ("a.md", b"  \n \n", "empty"),
        ("a.md", b"# X\n\x00\x01", "NUL"),
        ("a.md", b"# X\n\xff\xfe\xfa", "byte 4 is 0xff"),
        ("a.md", b"x" * (MOST_BYTES + 1), "at most"),
        ("a.png", b"\x89PNG", "not Markdown"),
        ("README.md", NARRATIVE, "collection"),
        ("notes.md", b"Buy milk.", "neither post-mortem nor runbook"),
    ],
)
def test_what_cannot_be_a_document_is_skipped_with_the_reason(path: str, content: bytes, reason: str) -> None:
    found = read(path, content)

    assert isinstance(found, Skipped)
    assert reason in found.reason


def test_named_kind_overrules_the_guess() -> None:
    found = read("README.md", b"Buy milk.", kind=Kind.RUNBOOK)

    assert isinstance(found, Imported)
    assert found.document.kind is Kind.RUNBOOK


def test_aliases_in_front_matter_do_not_grow() -> None:
    bomb = b"---\na: &a [x,x]\nb: &b [*a,*a]\n---\n# Outage\n\n## Timeline\n\nX\n"

    assert imported("outage.md", bomb).document.tags == ()


@given(st.binary(max_size=2000))
def test_no_content_makes_reading_fail(content: bytes) -> None:
    assert isinstance(read("x.md", content), Imported | Skipped)


@given(st.text(max_size=2000), st.sampled_from(["---\n", "## Timeline\n", "", "2020-01-01 10:00\n"]))
def test_no_text_makes_reading_fail(text: str, start: str) -> None:
    assert isinstance(read("incident.md", (start + text).encode("utf-8", "surrogatepass")), Imported | Skipped)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"# Same\n\n## Summary\n\nIt was down.\n", Kind.POSTMORTEM),
        (b"---\ntitle: T\ndate: 2024-13-45\n---\n# T\n\n## Impact\n\nNobody could pay.\n", Kind.POSTMORTEM),
        (b"Postmortem: flux capacitor overload\n\nIt burnt.\n", Kind.POSTMORTEM),
        ("# 障害報告\n\n## 概要\n\n決済が止まった。\n".encode(), Kind.POSTMORTEM),
        (b"# Login\n\n## Zusammenfassung\n\nNiemand kam hinein.\n\n## Ursache\n\nDNS.\n", Kind.POSTMORTEM),
        ("# Disque plein\n\n## Étapes\n\nRegarder.\n".encode(), Kind.RUNBOOK),
        (b"# Our architecture\n\n## Overview\n\nThree services.\n", None),
        ("# Our team\n\n## 📖 Overview\n\nThree people.\n".encode(), None),
        (b"# Lunch\n\nPasta.\n", None),
    ],
)
def test_kind_is_told_from_what_people_write(content: bytes, kind: Kind | None) -> None:
    found = read("texts/2024.md", content)

    assert (found.document.kind if isinstance(found, Imported) else None) == kind


def test_front_matter_that_is_no_yaml_is_said() -> None:
    found = read("a.md", b"---\ntitle: [unclosed\n---\n# T\n\n## Summary\n\nDown.\n")

    assert isinstance(found, Imported)
    assert "no YAML" in found.notes
