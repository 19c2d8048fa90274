"""The webhooks' door: what all senders share."""

import orjson
import pytest

from afteraction.v1 import ingestion_service_pb2 as pb
from afteraction.v1.event_pb2 import Alert, Event
from services.ingestion.settings import Settings
from tests.services.ingestion.conftest import Running
from tests.services.ingestion.webhooks.deliveries import JSON, REAL, sample, signature

MAILED = "ada.lovelace@example.com"


@pytest.mark.parametrize(("sender", "name", "headers"), REAL)
async def test_a_repeated_delivery_changes_nothing(running: Running, sender: str, name: str,
                                                   headers: dict[str, str]) -> None:
    first = await running.http.post(f"/webhooks/{sender}", content=sample(name), headers=headers)
    known = await running.events()
    again = await running.http.post(f"/webhooks/{sender}", content=sample(name), headers=headers)

    assert (first.status_code, again.status_code) == (200, 200), first.text
    assert first.json()["recorded"] == len(known) > 0
    assert again.json() == {"recorded": 0, "duplicates": len(known)}
    assert await running.events() == known
    door = await running.door(f"webhooks/{sender}")
    assert (door.accepted_requests, door.accepted_items) == (2, len(known))


@pytest.mark.parametrize(("sender", "name", "headers"), REAL)
async def test_a_delivery_that_is_cut_off_is_a_400(running: Running, sender: str, name: str,
                                                   headers: dict[str, str]) -> None:
    body = sample(name)

    answer = await running.http.post(f"/webhooks/{sender}", content=body[:len(body) // 2], headers=headers)

    assert answer.status_code == 400
    assert "not JSON" in answer.json()["message"]
    assert (await running.door(f"webhooks/{sender}")).rejected_requests == 1


async def test_an_alert_is_stored_as_record_events_would_store_it(running: Running) -> None:
    """Redacted, and under its own id."""
    group = orjson.loads(sample("alertmanager_firing"))
    group["alerts"] = group["alerts"][:1]
    group["alerts"][0]["annotations"]["description"] = f"ask {MAILED}"
    await running.http.post("/webhooks/alertmanager", content=orjson.dumps(group), headers=JSON)
    stored, = await running.events()

    as_sent = Event()
    as_sent.CopyFrom(stored)
    as_sent.id, as_sent.alert.description = "by-grpc", f"ask {MAILED}"
    await running.ingestion.RecordEvents(pb.RecordEventsRequest(events=[as_sent]))

    _, by_grpc = await running.events()
    assert "[redacted:email]" in stored.alert.description
    by_grpc.id = stored.id
    assert by_grpc == stored


async def test_texts_are_cut_to_what_an_event_holds(running: Running) -> None:
    group = {"alerts": [{"status": "firing", "startsAt": "2026-07-05T03:00:00Z", "fingerprint": "f" * 1000,
                         "labels": {"alertname": "n" * 100_000, "severity": "s" * 1000, "job": "j" * 1000,
                                    **{f"label{number}": "x" for number in range(1000)}},
                         "annotations": {"summary": "long \0 " * 50_000}}]}

    answer = await running.http.post("/webhooks/alertmanager", content=orjson.dumps(group), headers=JSON)

    assert answer.status_code == 200, answer.text
    event, = await running.events()
    assert (len(event.alert.alert_name), len(event.alert.severity), len(event.service)) == (512, 64, 256)
    assert len(event.alert.labels) == 256
    assert "\0" not in event.alert.summary


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
async def test_another_content_type_is_a_415(running: Running, content_type: str) -> None:
    answer = await running.http.post("/webhooks/alertmanager", content=sample("alertmanager_firing"),
                                     headers={"content-type": content_type})

    assert answer.status_code == 415
    assert "application/json" in answer.json()["message"]


async def test_a_replays_stream_is_named_by_a_header(running: Running) -> None:
    await running.http.post("/webhooks/alertmanager", content=sample("alertmanager_firing"),
                            headers=JSON | {"afteraction-stream": "replay-1"})

    assert len(await running.events("replay-1")) == 2
    assert await running.events("live") == []


class TestSigned:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(github_secret="orange", pagerduty_secret="lemon")

    @pytest.mark.parametrize(("sender", "name", "header", "value"), [
        ("github", "github_deployment_status", "x-hub-signature-256", "sha256={orange}"),
        ("pagerduty", "pagerduty_triggered", "x-pagerduty-signature", "v1={lemon}"),
        ("pagerduty", "pagerduty_triggered", "x-pagerduty-signature", "v1={old}, v1={lemon}")])
    async def test_who_signs_with_the_secret_comes_in(self, running: Running, sender: str, name: str, header: str,
                                                      value: str) -> None:
        body = sample(name)
        signed = value.format(**{secret: signature(secret, body) for secret in ("orange", "lemon", "old")})

        answer = await running.http.post(f"/webhooks/{sender}", content=body, headers=JSON | {
            header: signed, "x-github-event": "deployment_status"})

        assert (answer.status_code, answer.json()["recorded"]) == (200, 1)

    @pytest.mark.parametrize("given", ["", "sha256=", "sha256=00", "v1={apple}", "sha256={apple}", "{orange}", "é"])
    @pytest.mark.parametrize("sender", ["github", "pagerduty"])
    async def test_who_does_not_is_refused(self, running: Running, sender: str, given: str) -> None:
        body = sample("github_deployment_status")
        value = given.format(apple=signature("apple", body), orange=signature("orange", body))

        answer = await running.http.post(f"/webhooks/{sender}", content=body, headers=[
            (b"content-type", b"application/json"), (b"x-github-event", b"deployment_status"),
            (b"x-hub-signature-256", value.encode("latin-1")), (b"x-pagerduty-signature", value.encode("latin-1"))])

        assert answer.status_code == 401
        assert "secret" in answer.json()["message"]
        assert await running.events() == []


class TestOwnEvents:
    async def test_one_event_needs_neither_id_nor_time(self, running: Running) -> None:
        body = {"service": "checkout", "source": "curl", "deploy": {"version": "1.4.2"}}

        answer = await running.http.post("/webhooks/events", json=body)

        assert answer.json() == {"recorded": 1, "duplicates": 0}
        event, = await running.events()
        assert (event.service, event.deploy.version, bool(event.id)) == ("checkout", "1.4.2", True)
        assert event.occurred_at.seconds == 1_783_220_400

    async def test_several_come_in_one_request(self, running: Running) -> None:
        body = {"events": [{"id": str(number), "occurredAt": "2026-07-05T03:00:00Z", "note": {"text": "looking"}}
                           for number in range(3)]}

        assert (await running.http.post("/webhooks/events", json=body)).json()["recorded"] == 3

    @pytest.mark.parametrize(("body", "says"), [
        ({"deploy": {"version": ""}}, "deploy.version"), ({"service": "x"}, "kind"),
        ({"events": []}, "events is empty"),
        ({"deploy": {"verzion": "1"}}, "verzion"), ({"deploy": {"version": "v" * 257}}, "deploy.version"),
        ([], "not an object"), ({"events": {"a": 1}}, "no event"),
        ({"occurredAt": "1969-01-01T00:00:00Z", "note": {"text": "x"}}, "before 1970"),
        ({"occurredAt": "2300-01-01T00:00:00Z", "note": {"text": "x"}}, "beyond 2262"),
        ({"occurredAt": "yesterday", "note": {"text": "x"}}, "occurredAt")])
    async def test_a_mistake_is_named(self, running: Running, body: object, says: str) -> None:
        answer = await running.http.post("/webhooks/events", content=orjson.dumps(body), headers=JSON)

        assert answer.status_code == 400
        assert says in answer.json()["message"]


async def test_alerts_reach_detection_with_their_states(running: Running) -> None:
    for name in ("alertmanager_firing", "alertmanager_resolved"):
        await running.http.post("/webhooks/alertmanager", content=sample(name), headers=JSON)

    alerts = [event.alert for event in await running.events()]
    assert [alert.state for alert in alerts] == [Alert.STATE_FIRING, Alert.STATE_FIRING, Alert.STATE_RESOLVED]
    assert alerts[0].fingerprint == alerts[2].fingerprint != alerts[1].fingerprint
