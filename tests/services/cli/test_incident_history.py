"""Past incidents from spreadsheets and Alertmanager: what memory gets of them, and what is refused by name."""

import json
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from afteraction.v1.incident_pb2 import SEVERITY_P1, SEVERITY_P2, SEVERITY_UNSPECIFIED
from services.cli.history import read
from services.cli.incident_history import from_alertmanager, from_csv
from services.cli.replay_lines import MalformedLine
from shared.timestamps import from_proto


def test_columns_are_found_under_the_names_that_people_give_them() -> None:
    text = (
        "\ufeffIssue key;Short description;Business_service;Sev;Opened at;Closed at;Root cause;Close notes\r\n"
        "OPS-7;Checkout fails;checkout-api, payments;SEV1;2025-03-02T10:00:00Z;2025-03-02 10:45;pool exhausted;"
        '"raised the limit;\nrestarted"\r\n'
    )

    [document] = from_csv(text, "ops.csv")

    assert (document.title, document.severity) == ("Checkout fails", SEVERITY_P1)
    assert list(document.services) == ["checkout-api", "payments"]
    assert "lasted 45 minutes" in document.markdown and "## Root cause\n\npool exhausted" in document.markdown
    assert document.resolution == "raised the limit;\nrestarted"


def test_same_row_has_the_same_identity_and_another_row_another() -> None:
    rows = "title,date\nA,2025-03-02\nB,2025-03-02\n"

    once, again = list(from_csv(rows, "a.csv")), list(from_csv(rows, "moved.csv"))

    assert [each.source_id for each in once] == [each.source_id for each in again]
    assert len({each.source_id for each in once}) == 2


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("title,owner\nA,b\n", "no column for started"),
        ("title,date\nA,soon\n", "line 2: 'soon'"),
        ("title,date\n,2025-03-02\n", "line 2: the column 'title' is empty"),
        ("", "no column for title and started"),
    ],
)
def test_what_is_missing_is_named_with_its_place(text: str, named: str) -> None:
    with pytest.raises(MalformedLine, match=named):
        list(from_csv(text, "ops.csv"))


def test_good_rows_are_taken_and_all_bad_ones_are_named() -> None:
    refused: list[MalformedLine] = []
    rows = "title,date\nA,2025-03-02\nB,\nC,soon\n,2025-03-04\nD,2025-03-05\n"

    taken = [document.title for document in from_csv(rows, "ops.csv", refused.append)]

    assert taken == ["A", "D"]
    assert [str(each).partition(":")[0] for each in refused] == [f"ops.csv line {line}" for line in (3, 4, 5)]
    assert "the column 'date' is empty" in str(refused[0])


def test_alert_without_a_name_does_not_keep_the_others_out() -> None:
    refused: list[MalformedLine] = []
    text = json.dumps([alert("Errors", "api", 0), {"labels": {}}])

    assert [each.title for each in from_alertmanager(text, "a.json", refused.append)] == ["Errors on api"]
    assert len(refused) == 1


def alert(name: str, service: str, minute: int, *, end: int | None = None, severity: str = "warning") -> object:
    ended = f"2025-03-02T10:{end:02}:00Z" if end is not None else "0001-01-01T00:00:00Z"
    return {
        "labels": {"alertname": name, "service": service, "severity": severity},
        "annotations": {"summary": f"{name} is high"},
        "startsAt": f"2025-03-02T10:{minute:02}:00.000Z",
        "endsAt": ended,
    }


def test_alerts_of_a_service_that_come_together_are_one_incident() -> None:
    alerts = [
        alert("Latency", "checkout-api", 2, end=30),
        alert("Errors", "checkout-api", 0, end=20, severity="critical"),
        alert("Disk", "search", 5),
        alert("Errors", "checkout-api", 59, end=59),
    ]

    found = sorted(from_alertmanager(json.dumps(alerts), "a.json"), key=lambda each: (each.services[0], each.title))

    titles = [each.title for each in found]
    assert titles == ["Errors on checkout-api", "Errors, Latency on checkout-api", "Disk on search"]
    both = found[1]
    assert both.severity == SEVERITY_P1
    assert "lasted 30 minutes" in both.markdown
    at = from_proto(both.occurred_at)
    assert at is not None and at.isoformat() == "2025-03-02T10:00:00+00:00"
    assert "lasted" not in found[2].markdown


def test_webhooks_one_a_line_are_read() -> None:
    lines = "\n".join(json.dumps({"version": "4", "alerts": [alert("Errors", "api", minute)]}) for minute in (0, 50))

    assert len(list(from_alertmanager(lines, "hooks.ndjson"))) == 2


def test_severities_of_many_houses_are_read() -> None:
    rows = "title,date,priority\nA,2025-03-02,High\nB,2025-03-02,\n"

    assert [each.severity for each in from_csv(rows, "a.csv")] == [SEVERITY_P2, SEVERITY_UNSPECIFIED]


@pytest.mark.parametrize("text", ["{", "[1]", '{"alerts": [{}]}', "nonsense", '[{"labels": {"alertname": "x"}}]'])
def test_what_is_no_alert_is_refused(text: str) -> None:
    with pytest.raises(MalformedLine):
        list(from_alertmanager(text, "a.json"))


@given(st.text(max_size=300))
def test_any_file_is_read_or_refused(text: str) -> None:
    for parse in (from_csv, from_alertmanager):
        try:
            for document in parse(text, "file"):
                assert document.title and document.source_id
        except MalformedLine:
            pass


def test_file_is_read_by_its_kind_and_a_bad_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("\ufefftitle,date\r\nCafé fails,2025-03-02\r\n".encode())
    (tmp_path / "b.json").write_text(json.dumps([alert("Errors", "api", 0)]))
    (tmp_path / "c.csv").write_bytes(b"\xff\xfe")
    refused: list[MalformedLine] = []

    assert [each.title for each in read(tmp_path / "a.csv", refused.append)] == ["Café fails"]
    assert [each.title for each in read(tmp_path / "b.json", refused.append)] == ["Errors on api"]
    with pytest.raises(typer.BadParameter):
        read(tmp_path / "c.csv", refused.append)
