"""Alertmanager's and Grafana's notifications to events."""

import orjson
import pytest

from afteraction.v1.event_pb2 import Alert
from services.ingestion.webhooks import alertmanager, grafana
from shared.clock import SetClock
from shared.errors import InvalidArgument
from tests.services.ingestion.webhooks.deliveries import LABELS, delivery, sample

ALERT = {"status": "firing", "startsAt": "2026-07-05T03:00:00Z", "labels": {"alertname": "Slow", "service": "cart"}}


def test_alertmanagers_alerts_are_read_whole(set_clock: SetClock) -> None:
    first, second = alertmanager.parse(delivery(sample("alertmanager_firing"), set_clock), service_labels=LABELS)

    assert (first.service, first.source, first.occurred_at.ToJsonString()) == (
        "checkout", "alertmanager", "2026-11-24T15:29:36Z")
    alert = first.alert
    assert (alert.alert_name, alert.severity, alert.state) == ("HighErrorRate", "critical", Alert.STATE_FIRING)
    assert (alert.summary, alert.description) == ("5xx of checkout above 5 %", "11 % of requests fail")
    assert alert.runbook_url == "https://runbooks.example/checkout"
    assert alert.group_key == '{}:{alertname="HighErrorRate", service="checkout"}'
    assert (alert.fingerprint, alert.HasField("ended_at")) == ("3507317d3bd5895e", False)
    assert first.id != second.id


def test_a_resolved_alert_happened_when_it_ended(set_clock: SetClock) -> None:
    resolved, still = alertmanager.parse(delivery(sample("alertmanager_resolved"), set_clock), service_labels=LABELS)

    assert (resolved.alert.state, still.alert.state) == (Alert.STATE_RESOLVED, Alert.STATE_FIRING)
    assert resolved.occurred_at == resolved.alert.ended_at
    assert resolved.occurred_at.ToJsonString() == "2026-11-24T15:29:40Z"


def test_a_repeat_has_the_same_id_and_the_next_firing_another(set_clock: SetClock) -> None:
    def parsed(**changes: object) -> str:
        event, = alertmanager.parse(delivery({"alerts": [ALERT | changes]}, set_clock), service_labels=LABELS)
        return event.id

    assert parsed() == parsed(annotations={"summary": "now 12 %"}, endsAt="2026-07-05T03:05:00Z")
    assert len({parsed(), parsed(startsAt="2026-07-05T04:00:00Z"), parsed(status="resolved"),
                parsed(labels={"alertname": "Slow", "service": "web"})}) == 4


def test_an_alert_of_no_service_has_none(set_clock: SetClock) -> None:
    event, = alertmanager.parse(delivery({"alerts": [ALERT | {"labels": {"alertname": "x"}}]}, set_clock),
                                service_labels=LABELS)

    assert event.service == ""


def test_alerts_that_were_cut_off_are_told(set_clock: SetClock) -> None:
    event, = alertmanager.parse(delivery({"alerts": [ALERT], "truncatedAlerts": 7}, set_clock), service_labels=LABELS)

    assert event.attributes["alertmanager.truncated_alerts"] == "7"


def test_grafanas_values_and_links_come_along(set_clock: SetClock) -> None:
    first, _ = grafana.parse(delivery(sample("grafana_firing"), set_clock), service_labels=LABELS)

    assert (first.alert.alert_name, first.source) == ("High memory usage", "grafana")
    assert first.occurred_at.ToJsonString() == "2026-03-02T07:51:03.157076Z"
    assert first.attributes["grafana.value.B"].startswith("44.239")
    assert first.attributes["grafana.silence.url"].startswith("https://grafana.example/alerting/silence")


def test_a_grafana_rule_without_data_is_called_by_its_rule(set_clock: SetClock) -> None:
    labels = {"alertname": "DatasourceNoData", "rulename": "Checkout is slow"}
    event, = grafana.parse(delivery({"alerts": [ALERT | {"labels": labels}]}, set_clock), service_labels=LABELS)

    assert event.alert.alert_name == "DatasourceNoData: Checkout is slow"


@pytest.mark.parametrize(("body", "says"), [
    ({}, "alerts is missing"), ({"alerts": {}}, "alerts is missing"), ({"alerts": [None]}, "alerts[0].status"),
    ({"alerts": [ALERT | {"status": "exploded"}]}, "'exploded' is neither firing nor resolved"),
    ({"alerts": [ALERT | {"startsAt": "soon"}]}, "alerts[0].startsAt 'soon' is not a time"),
    ({"alerts": [ALERT | {"startsAt": None}]}, "alerts[0].startsAt is missing"),
    ({"alerts": [ALERT | {"startsAt": 1e300}]}, "alerts[0].startsAt"),
    ({"alerts": [ALERT] * 10_001}, "alerts has 10001 elements")])
def test_what_is_wrong_is_named_by_its_path(body: dict[str, object], says: str, set_clock: SetClock) -> None:
    for parse in (alertmanager.parse, grafana.parse):
        with pytest.raises(InvalidArgument, match="alerts") as caught:
            parse(delivery(body, set_clock), service_labels=LABELS)
        assert says in caught.value.message


def test_hostile_shapes_are_refused_or_read_as_text(set_clock: SetClock) -> None:
    hostile = {"alerts": [ALERT | {"labels": {"alertname": ["a"], "service": {"x": 1}, "job": 7},
                                   "annotations": "none", "fingerprint": None, "generatorURL": ["x"]}]}

    event, = alertmanager.parse(delivery(orjson.dumps(hostile), set_clock), service_labels=LABELS)

    assert (event.alert.alert_name, event.service) == ("(an alert without a name)", "7")
