"""PagerDuty's, Kubernetes' and everybody else's deliveries."""

import orjson
import pytest

from afteraction.v1.event_pb2 import Page
from services.ingestion.http_bodies import UnsupportedMedia
from services.ingestion.webhooks import cloudevents, kubernetes, pagerduty
from shared.clock import SetClock
from shared.errors import InvalidArgument
from tests.services.ingestion.webhooks.deliveries import LABELS, delivery, sample

CLOUD: dict[str, object] = {"specversion": "1.0", "id": "1", "source": "/ci",
                            "type": "dev.cdevents.service.deployed.0.2.0"}
DEPLOYED = {"subject": {"id": "cart", "content": {"environment": {"id": "prod"},
                                                  "artifactId": "pkg:oci/cart@sha256:0b31b1c0?tag=1.4"}}}


class TestPagerduty:
    def test_a_page_says_whom_it_called(self, set_clock: SetClock) -> None:
        event, = pagerduty.parse(delivery(sample("pagerduty_triggered"), set_clock))

        assert (event.service, event.page.state, event.page.target) == (
            "mail-relay", Page.STATE_SENT, "On-call of mail")
        assert event.page.summary == "The relay's queue grows."
        assert event.attributes["pagerduty.incident.number"] == "1234"

    @pytest.mark.parametrize(("kind", "state"), [
        ("incident.acknowledged", Page.STATE_ACKNOWLEDGED), ("incident.resolved", Page.STATE_RESOLVED),
        ("incident.escalated", Page.STATE_SENT), ("incident.reopened", Page.STATE_SENT)])
    def test_what_happens_to_it_is_told(self, set_clock: SetClock, kind: str, state: Page.State.ValueType) -> None:
        document = orjson.loads(sample("pagerduty_triggered"))
        document["event"]["event_type"] = kind

        event, = pagerduty.parse(delivery(document, set_clock))

        assert event.page.state == state

    def test_what_a_responder_writes_is_a_note(self, set_clock: SetClock) -> None:
        document = orjson.loads(sample("pagerduty_triggered"))
        document["event"] |= {"event_type": "incident.annotated", "data": {
            "incident": {"id": "PINC001"}, "id": "P1", "content": "restarted the relay", "type": "incident_note"}}

        event, = pagerduty.parse(delivery(document, set_clock))

        assert (event.note.author, event.note.text) == ("On-call of mail", "restarted the relay")
        assert event.attributes["pagerduty.incident.id"] == "PINC001"

    @pytest.mark.parametrize("kind", ["pagey.ping", "incident.priority_updated", "service.updated"])
    def test_everything_else_is_nothing(self, set_clock: SetClock, kind: str) -> None:
        assert pagerduty.parse(delivery({"event": {"event_type": kind}}, set_clock)) == []

    @pytest.mark.parametrize(("body", "says"), [
        ({}, "event.event_type is missing"), ({"event": []}, "event.event_type is missing"),
        ({"event": {"event_type": "incident.resolved"}}, "event.id is missing"),
        ({"event": {"event_type": "incident.resolved", "id": "1", "occurred_at": "x"}}, "event.occurred_at 'x'")])
    def test_what_is_wrong_is_named(self, set_clock: SetClock, body: dict[str, object], says: str) -> None:
        with pytest.raises(InvalidArgument, match=says):
            pagerduty.parse(delivery(body, set_clock))


class TestKubernetes:
    def test_an_event_says_what_happened_to_which_object(self, set_clock: SetClock) -> None:
        event, = kubernetes.parse(delivery(sample("kubernetes_backoff"), set_clock), service_labels=LABELS)

        assert (event.service, event.infrastructure.reason) == ("checkout", "BackOff")
        assert event.infrastructure.resource == "Pod/shop/checkout-7d9c6bd5f4-x2x7p"
        assert event.occurred_at.ToJsonString() == "2026-07-05T03:01:17Z"
        assert event.attributes["k8s.event.count"] == "14"

    def test_a_back_off_that_goes_on_is_one_event_in_five_minutes(self, set_clock: SetClock) -> None:
        ids = set()
        for minute in range(60):
            document = orjson.loads(sample("kubernetes_backoff"))
            document["lastTimestamp"] = f"2026-07-05T03:{minute:02}:00Z"
            event, = kubernetes.parse(delivery(document, set_clock), service_labels=LABELS)
            ids.add(event.id)

        assert len(ids) == 12

    def test_what_is_wrong_is_named(self, set_clock: SetClock) -> None:
        with pytest.raises(InvalidArgument, match=r"metadata\.creationTimestamp is missing"):
            kubernetes.parse(delivery({"reason": "x"}, set_clock), service_labels=LABELS)


class TestCloudEvents:
    def test_structured_and_binary_are_the_same(self, set_clock: SetClock) -> None:
        structured = sample("cloudevents_structured")
        one = cloudevents.parse(delivery(structured, set_clock, content_type=cloudevents.STRUCTURED),
                                service_labels=LABELS)
        other = cloudevents.parse(delivery(
            b'{"volume": "abc", "size": 123, "ok": true}', set_clock, content_type="application/json",
            ce_specversion="1.0", ce_type="org.acme.backup.ended", ce_source="%2Fbackups", ce_id="backup-2",
            ce_time="2026-03-02T17:31:00Z", ce_acmeregion="value", ce_acmeattempt="5"),
            service_labels=LABELS)

        assert one == other
        assert one[0].infrastructure.reason == "org.acme.backup.ended"
        assert one[0].attributes["cloudevents.acmeregion"] == "value"

    def test_a_batch_is_several(self, set_clock: SetClock) -> None:
        found = cloudevents.parse(delivery(sample("cloudevents_batch"), set_clock, content_type=cloudevents.BATCH),
                                  service_labels=LABELS)

        assert [event.infrastructure.resource for event in found] == ["/backups/4", "/backups/9"]

    def test_a_deploy_in_cdevents_words_is_a_deploy(self, set_clock: SetClock) -> None:
        event, = cloudevents.parse(delivery(CLOUD | {"data": DEPLOYED}, set_clock, content_type=cloudevents.STRUCTURED),
                                   service_labels=LABELS)

        assert (event.service, event.deploy.version, event.deploy.environment) == ("cart", "sha256:0b31b1c0", "prod")

    def test_an_event_of_kubernetes_within_is_that(self, set_clock: SetClock) -> None:
        data = orjson.loads(sample("kubernetes_backoff"))
        event, = cloudevents.parse(delivery(CLOUD | {"data": data}, set_clock, content_type=cloudevents.STRUCTURED),
                                   service_labels=LABELS)

        assert (event.source, event.service) == ("kubernetes", "checkout")

    def test_the_service_comes_from_an_extension_or_the_data(self, set_clock: SetClock) -> None:
        documents: list[dict[str, object]] = [{"service": "cart"}, {"data": {"service": "cart"}}]
        for document in documents:
            event, = cloudevents.parse(delivery(CLOUD | {"type": "x"} | document, set_clock,
                                                content_type=cloudevents.STRUCTURED), service_labels=LABELS)
            assert event.service == "cart"

    def test_without_a_time_it_happened_on_arrival(self, set_clock: SetClock) -> None:
        event, = cloudevents.parse(delivery(CLOUD, set_clock, content_type=cloudevents.STRUCTURED),
                                   service_labels=LABELS)

        assert event.occurred_at.ToDatetime(set_clock.now().tzinfo) == set_clock.now()

    def test_what_is_no_cloudevent_is_told_so(self, set_clock: SetClock) -> None:
        with pytest.raises(UnsupportedMedia, match="ce-specversion"):
            cloudevents.parse(delivery(b"{}", set_clock, content_type="application/json"), service_labels=LABELS)

    @pytest.mark.parametrize(("body", "says"), [
        ({}, "specversion is missing"), (CLOUD | {"specversion": "0.3"}, "'0.3' is not 1.0"),
        (CLOUD | {"id": ""}, "id is missing"), (CLOUD | {"time": "later"}, "time 'later' is not a time")])
    def test_what_is_wrong_is_named(self, set_clock: SetClock, body: dict[str, object], says: str) -> None:
        with pytest.raises(InvalidArgument, match=says):
            cloudevents.parse(delivery(body, set_clock, content_type=cloudevents.STRUCTURED), service_labels=LABELS)
