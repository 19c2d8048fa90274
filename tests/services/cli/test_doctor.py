"""What `afteraction doctor` prints."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from afteraction.v1.ingestion_service_pb2 import Door, ListDoorsResponse, Sender
from services.cli.doctor import show
from services.cli.output import console
from services.cli.serve import SERVICES
from shared.settings import Common

AT = Timestamp(seconds=1_783_220_400)
UP = dict.fromkeys(SERVICES, True)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "width", 300)


def test_a_door_says_what_from_whom_and_when(capsys: pytest.CaptureFixture[str]) -> None:
    door = Door(name="remote-write", address="http://127.0.0.1:4318/api/v1/write", accepted_items=1_200,
                accepted_requests=2, last_received_at=AT,
                senders=[Sender(service="checkout", user_agent="Prometheus/2.42.0 (linux)")])

    show(Common(), UP, ListDoorsResponse(doors=[door, Door(name="otlp-http")]), quiet_doors=False)

    said = capsys.readouterr().out
    for part in (door.address, "1,200", "2026-07-05 03:00:00Z", "checkout by Prometheus/2.42.0"):
        assert part in said
    assert "otlp-http" not in said


def test_what_was_refused_says_how_much_why_and_when(capsys: pytest.CaptureFixture[str]) -> None:
    door = Door(name="webhooks/github", rejected_requests=3, rejected_items=2, last_error="no valid token: …",
                last_error_at=AT)

    show(Common(), UP, ListDoorsResponse(doors=[door], dropped_series={"cart": 12}), quiet_doors=False)

    said = capsys.readouterr().out
    assert "2 and 3 requests" in said
    assert "webhooks/github: last refused something at 2026-07-05 03:00:00Z: no valid token: …" in said
    assert "cart: 12 series were turned away" in said


def test_a_house_without_senders_is_told_where_the_lines_are(capsys: pytest.CaptureFixture[str]) -> None:
    show(Common(), UP, ListDoorsResponse(doors=[Door(name="events")]), quiet_doors=False)

    assert "docs/connect/" in capsys.readouterr().out


def test_many_senders_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    door = Door(name="otlp-grpc", accepted_requests=1, senders=[Sender(service=f"s{each}") for each in range(9)])

    show(Common(), UP, ListDoorsResponse(doors=[door]), quiet_doors=False)

    assert "s0, s1, s2, s3 and 5 more" in capsys.readouterr().out
