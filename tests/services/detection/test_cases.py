"""From anomalies to incidents: what opens one, what joins it, when it is over."""

from dataclasses import replace
from datetime import timedelta

from services.detection.incident import Kind, Severity, State
from services.detection.objectives import objectives
from services.detection.series import Signal
from services.detection.tuning import Tuning
from tests.services.detection.town import Fault, Town, alert, at_the_end, deploy, lived, minute, note

TWO_PAIRS = (("web", "shop"), ("portal", "billing"))


def test_failure_that_travels_to_its_caller_is_one_incident_that_begins_where_it_began() -> None:
    town = Town(("web", "shop"), (("web", "shop"),), (
        Fault("shop", range(100, 115), failing=0.3), Fault("web", range(101, 115), failing=0.2)))

    [incident] = at_the_end(lived(town))

    assert incident.service == "shop"
    assert set(incident.services) == {"shop", "web"}
    assert incident.onset_at == minute(100)
    assert incident.detected_at == minute(101)
    assert incident.recovered_at == minute(115)
    assert incident.resolved_at == minute(120)
    assert incident.state is State.RESOLVED


def test_two_failures_at_once_that_no_call_connects_stay_two() -> None:
    town = Town(("web", "shop", "portal", "billing"), TWO_PAIRS, (
        Fault("shop", range(100, 110), failing=0.3), Fault("billing", range(101, 112), failing=0.3)))

    first, second = at_the_end(lived(town))

    assert (first.service, second.service) == ("shop", "billing")
    assert "billing" not in first.services


def test_faults_that_return_within_the_hold_do_not_open_a_second_incident() -> None:
    town = Town(("shop",), faults=tuple(Fault("shop", range(start, start + 3), failing=0.3)
                                        for start in (90, 96, 104, 114)))

    [incident] = at_the_end(lived(town))

    assert incident.onset_at == minute(90)
    assert incident.recovered_at == minute(117)
    # The hold doubled with each relapse, up to four plain ones.
    assert incident.resolved_at == minute(137)


def test_failure_that_lasts_is_no_new_normal_after_some_minutes() -> None:
    """Half an hour in which a tenth fails, and more and more towards its end."""
    town = Town(("shop",), faults=(Fault("shop", range(100, 130), failing=0.1),
                                   Fault("shop", range(118, 130), failing=0.1)))

    steps = lived(town)

    [incident] = at_the_end(steps)
    [errors] = [each for each in incident.anomalies if each.signal is Signal.ERRORS]
    assert (errors.onset_at, errors.recovered_at) == (minute(100), minute(130))
    assert errors.peak_observed > 0.17
    assert errors.baseline < 0.002
    assert [step.kind for step in steps].count(Kind.ANOMALY_RECOVERED) == 1


def test_bursts_of_one_failure_are_one_anomaly_at_the_worst_of_them() -> None:
    town = Town(("shop",), faults=tuple(Fault("shop", range(start, start + 4), failing=share)
                                        for start, share in ((90, 0.1), (97, 0.3), (104, 0.2))))

    [incident] = at_the_end(lived(town))

    [errors] = [each for each in incident.anomalies if each.signal is Signal.ERRORS]
    assert (errors.onset_at, errors.recovered_at) == (minute(90), minute(108))
    assert 0.25 < errors.peak_observed < 0.36
    assert f"{errors.peak_observed * 100:.3g} % of requests fail" in incident.title


def test_other_symptoms_within_the_hold_are_another_incident() -> None:
    town = Town(("shop",), faults=(Fault("shop", range(100, 106), slower=6),
                                   Fault("shop", range(109, 115), failing=0.3)))

    first, second = at_the_end(lived(town))

    assert {each.signal for each in first.anomalies} == {Signal.LATENCY}
    # Of a gauge the time of the first value that is back, at the end of its minute.
    assert first.recovered_at == minute(107)
    assert {each.signal for each in second.anomalies} == {Signal.ERRORS}
    assert second.onset_at == minute(109)


def test_single_slow_minutes_apart_are_no_symptom_that_lasts() -> None:
    blips = tuple(Fault("shop", range(start, start + 1), slower=8) for start in (90, 96, 102, 109))

    assert lived(Town(("shop",), faults=blips)) == []


def test_failure_long_after_an_incident_is_another_one() -> None:
    town = Town(("shop",), faults=(Fault("shop", range(60, 65), failing=0.3),
                                   Fault("shop", range(100, 105), failing=0.3)))

    assert [each.onset_at for each in at_the_end(lived(town))] == [minute(60), minute(100)]


def test_title_and_severity_keep_the_worst() -> None:
    town = Town(("shop",), faults=(Fault("shop", range(100, 110), failing=0.08),
                                   Fault("shop", range(104, 106), failing=0.5)))

    steps = lived(town)

    opened = next(step.seen for step in steps if step.kind is Kind.OPENED)
    assert opened.severity is Severity.P2
    [incident] = at_the_end(steps)
    assert incident.severity is Severity.P1
    worst = next(each for each in incident.anomalies if each.is_opening)
    assert 0.45 < worst.peak_observed < 0.65
    assert f"{worst.peak_observed * 100:.3g} % of requests fail" in incident.title
    assert [step.kind for step in steps].count(Kind.SEVERITY_CHANGED) == 1


def test_fall_in_latency_opens_nothing() -> None:
    assert lived(Town(("shop",), faults=(Fault("shop", range(100, 150), slower=0.2),))) == []


def test_tripled_latency_opens_an_incident() -> None:
    [incident] = at_the_end(lived(Town(("shop",), faults=(Fault("shop", range(100, 120), slower=4),))))

    assert [each.signal for each in incident.anomalies if each.is_opening] == [Signal.LATENCY]
    assert incident.severity is Severity.P2


def test_changes_before_the_onset_are_attached_with_distance_in_time_and_calls() -> None:
    town = Town(("web", "shop", "portal", "billing"), TWO_PAIRS, (Fault("shop", range(100, 110), failing=0.3),), (
        deploy(95.5, service="web"), deploy(60, service="billing", version="v7"), deploy(105, version="v9")))

    [incident] = at_the_end(lived(town))

    assert [(each.event.service, each.before_onset, each.hops) for each in incident.changes] == [
        ("web", timedelta(minutes=4.5), 1), ("billing", timedelta(minutes=40), -1)]


def test_alert_that_fires_again_and_again_is_one_incident_until_it_is_over() -> None:
    town = Town(("shop",), events=(alert(50, firing=True), alert(54, firing=True), alert(58, firing=True),
                                   alert(61, firing=False), alert(62, firing=False)))

    [incident] = at_the_end(lived(town))

    assert incident.onset_at == minute(50)
    assert incident.recovered_at == minute(61)
    assert incident.severity is Severity.P1
    assert incident.severity_reason == "the alert HighErrorRate fires with severity critical, which is P1"


def test_alert_joins_the_incident_that_burns_and_holds_it_open() -> None:
    town = Town(("shop",), faults=(Fault("shop", range(100, 110), failing=0.3),),
                events=(alert(103, firing=True), alert(118, firing=False)))

    [incident] = at_the_end(lived(town))

    assert {each.signal for each in incident.anomalies} >= {Signal.ERRORS, Signal.ALERT}
    assert incident.onset_at == minute(100)
    assert incident.recovered_at == minute(118)


def test_alert_of_a_service_that_nobody_knows_captures_nothing_that_begins_later() -> None:
    town = Town(("web", "shop"), (("web", "shop"),), (Fault("shop", range(100, 110), failing=0.3),),
                (alert(85, firing=True, service="queue"), alert(130, firing=False, service="queue")))

    first, second = at_the_end(lived(town))

    assert (first.service, first.services) == ("queue", ("queue",))
    assert (second.service, second.onset_at) == ("shop", minute(100))


def test_alerts_of_strangers_are_two_incidents_and_one_alert_of_two_services_is_one() -> None:
    apart = Town(("shop",), events=(alert(50, firing=True, service="queue"),
                                    replace(alert(51, firing=True, service="disk", fingerprint="f2"),
                                            alert_name="DiskFull")))
    alike = Town(("shop",), events=(alert(50, firing=True, service="queue"),
                                    alert(51, firing=True, service="disk", fingerprint="f2")))

    assert [each.services for each in at_the_end(lived(apart))] == [("queue",), ("disk",)]
    assert [each.services for each in at_the_end(lived(alike))] == [("queue", "disk")]


def test_timeline_has_what_concerns_the_incident_and_nothing_of_others_or_of_long_before() -> None:
    town = Town(("web", "shop", "portal", "billing"), TWO_PAIRS, (Fault("shop", range(200, 210), failing=0.3),), (
        note(204, "restarted"), note(205, "looking", service="shop"), note(206, "web too", service="web"),
        note(205, "billing is fine", service="billing"), note(205, "who are you", service="stranger")))
    late = replace(note(60, "long ago", service="shop"), occurred_at=minute(20))

    steps = lived(town, minutes=230, late=(late,))

    assert [step.text for step in steps if step.kind is Kind.NOTE] == ["restarted", "looking", "web too"]


def test_two_alerts_of_one_name_and_moment_end_when_both_have() -> None:
    town = Town(("shop",), events=(alert(50, firing=True), alert(50, firing=True, fingerprint="f2"),
                                   alert(60, firing=False), alert(70, firing=False, fingerprint="f2")))

    [incident] = at_the_end(lived(town))

    assert incident.recovered_at == minute(70)


def test_objective_tells_what_the_incident_took_of_its_budget() -> None:
    tuning = Tuning(objectives=objectives(["shop availability 99% 30d"]))
    town = Town(("shop",), faults=(Fault("shop", range(100, 110), failing=0.3),))

    [incident] = at_the_end(lived(town, tuning=tuning))

    [impact] = incident.objectives
    # Ten minutes in which 30 % fail, of thirty days in which 1 % may.
    assert 0.9 < impact.budget_consumed / (10 * 0.3 / (30 * 1440 * 0.01)) < 1.15
    assert impact.target == 0.99


def test_budget_that_burns_slowly_opens_an_incident_that_no_threshold_sees() -> None:
    tuning = Tuning(objectives=objectives(["shop availability 99.9%"]))
    town = Town(("shop",), faults=(Fault("shop", range(240), failing=0.01),))

    [incident] = at_the_end(lived(town, minutes=240, tuning=tuning))

    assert "error budget of shop burns" in incident.title
    assert incident.severity is Severity.P2
    assert "P2 is 6 or more" in incident.severity_reason
