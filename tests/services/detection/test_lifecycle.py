"""The states of an incident: every order of steps that people and telemetry may take."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.detection import lifecycle, observing
from services.detection.incident import Anomaly, Incident, Kind, Severity, State, Transition
from services.detection.series import Signal
from shared.errors import FailedPrecondition, InvalidArgument

START = datetime(2026, 7, 6, 9, 0, tzinfo=UTC)
SERVICES = ("shop", "web", "billing")


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def anomaly(service: str = "shop", onset: float = 0, recovered: float | None = None, *, is_opening: bool = False,
            signal: Signal = Signal.ERRORS) -> Anomaly:
    return Anomaly(
        service=service, operation="", signal=signal, metric_name="error share", unit="share", onset_at=at(onset),
        detected_at=at(onset + 1), observed=0.3, baseline=0.001, spread=0.001, z=20.0, peak_observed=0.4, peak_z=25.0,
        peak_at=at(onset + 1), current=0.3, recovered_at=None if recovered is None else at(recovered),
        is_opening=is_opening)


def step(kind: Kind, minutes: float, *anomalies: Anomaly, severity: Severity = Severity.P2,
         resolved: float | None = None, name: str = "incidents/a") -> Transition:
    """What detection would tell of an incident with these anomalies."""
    services = tuple(dict.fromkeys(each.service for each in anomalies))
    seen = Incident(
        name=name, stream="t", title="shop: 40 % of requests fail", state=State.OPEN, severity=severity,
        severity_reason="40 % failed", service=services[0], services=services, onset_at=anomalies[0].onset_at,
        detected_at=at(minutes), anomalies=anomalies, recovered_at=observing.recovered(anomalies),
        resolved_at=None if resolved is None else at(resolved))
    return Transition(kind, at(minutes), f"{kind.name} at {minutes}", seen)


def opened(*anomalies: Anomaly, name: str = "incidents/a", minutes: float = 1) -> Incident:
    first = anomalies or (anomaly(is_opening=True),)
    return observing.observe(None, step(Kind.OPENED, minutes, *first, name=name), at=at(minutes))


def resolved_by_telemetry(incident: Incident, minutes: float) -> Incident:
    over = tuple(replace(each, recovered_at=each.recovered_at or at(minutes - 5)) for each in incident.anomalies)
    return observing.observe(incident, step(Kind.RESOLVED, minutes, *over, resolved=minutes), at=at(minutes))


# What telemetry brings

def test_step_told_twice_changes_nothing_the_second_time() -> None:
    joined = step(Kind.ANOMALY_JOINED, 3, anomaly(is_opening=True), anomaly("web", 2))

    once = observing.observe(opened(), joined, at=at(3))

    assert observing.observe(once, joined, at=at(9)) == once
    assert once.services == ("shop", "web")


def test_title_follows_the_worst_until_a_person_names_it() -> None:
    worse = step(Kind.SEVERITY_CHANGED, 4, anomaly(is_opening=True))
    worse = replace(worse, seen=replace(worse.seen, title="shop: 80 % of requests fail"))
    renamed = lifecycle.update(opened(), fields=frozenset({"title"}), severity=Severity.P2, title="cards declined",
                               tags=(), ticket_url="", by="ada", at=at(2))

    assert observing.observe(opened(), worse, at=at(4)).title == "shop: 80 % of requests fail"
    assert observing.observe(renamed, worse, at=at(4)).title == "cards declined"


def test_severity_only_rises_and_a_persons_stays() -> None:
    worse = step(Kind.ANOMALY_JOINED, 4, anomaly(is_opening=True), severity=Severity.P1)
    better = step(Kind.ANOMALY_JOINED, 5, anomaly(is_opening=True), severity=Severity.P3)
    lowered = lifecycle.update(opened(), fields=frozenset({"severity"}), severity=Severity.P4, title="", tags=(),
                               ticket_url="", by="ada", at=at(2))

    assert observing.observe(observing.observe(opened(), worse, at=at(4)), better, at=at(5)).severity is Severity.P1
    assert observing.observe(lowered, worse, at=at(4)).severity is Severity.P4


def test_what_a_person_resolved_opens_again_when_something_new_goes_wrong_in_it() -> None:
    ended = lifecycle.resolve(opened(), by="ada", at=at(10), recovered_at=None)

    back = step(Kind.ANOMALY_RECOVERED, 12, anomaly(is_opening=True, recovered=12))
    still = observing.observe(ended, back, at=at(12))
    again = observing.observe(still, step(Kind.ANOMALY_JOINED, 20, anomaly(is_opening=True, recovered=12),
                                          anomaly("web", 19)), at=at(20))

    assert still.state is State.RESOLVED
    assert again.state is State.OPEN
    assert again.recovered_at is None
    assert [entry.kind for entry in again.timeline][-2:] == [Kind.REOPENED, Kind.ANOMALY_JOINED]


# Merged and split

def test_merged_incident_is_over_when_both_are() -> None:
    target, other = opened(), opened(anomaly("web", 2, is_opening=True), name="incidents/b", minutes=3)
    target, [_] = lifecycle.merge(target, [other], by="ada", at=at(4))

    target = observing.observe(target, step(Kind.RESOLVED, 15, anomaly(is_opening=True, recovered=10), resolved=15),
                               at=at(15))
    assert target.state is State.OPEN, "the other's anomaly is still out"

    target = observing.absorb(target, step(Kind.RESOLVED, 25, anomaly("web", 2, 20, is_opening=True), resolved=25,
                                           name="incidents/b"), at=at(25))
    assert target.state is State.RESOLVED
    assert target.recovered_at == at(20)
    assert target.resolved_at == at(25)


def test_resolved_incident_that_takes_in_an_open_one_is_open() -> None:
    target = resolved_by_telemetry(opened(), 20)

    after, _ = lifecycle.merge(target, [opened(anomaly("web", 18), name="incidents/b")], by="ada", at=at(21))

    assert after.state is State.OPEN
    assert after.resolved_at is None


def test_split_off_part_follows_its_own_services_to_its_own_end() -> None:
    whole = opened(anomaly(is_opening=True), anomaly("web", 2))
    rest, part = lifecycle.split(whole, ("web",), name="incidents/c", by="ada", at=at(5))

    back = step(Kind.ANOMALY_RECOVERED, 9, anomaly(is_opening=True), anomaly("web", 2, 9))
    rest, part = observing.observe(rest, back, at=at(9)), observing.branch(part, ("web",), back, at=at(9))
    assert (rest.recovered_at, part.recovered_at) == (None, at(9))

    over = step(Kind.RESOLVED, 30, anomaly(is_opening=True, recovered=25), anomaly("web", 2, 9), resolved=30)
    rest, part = observing.observe(rest, over, at=at(30)), observing.branch(part, ("web",), over, at=at(30))
    assert (rest.services, part.services) == (("shop",), ("web",))
    assert (rest.state, part.state) == (State.RESOLVED, State.RESOLVED)
    assert (rest.recovered_at, part.recovered_at) == (at(25), at(9))


def test_split_names_what_it_cannot_do() -> None:
    with pytest.raises(InvalidArgument, match="has no anomaly of billing; it has of shop"):
        lifecycle.split(opened(), ("billing",), name="incidents/c", by="ada", at=at(5))
    with pytest.raises(InvalidArgument, match="nothing would stay"):
        lifecycle.split(opened(), ("shop",), name="incidents/c", by="ada", at=at(5))


def test_recovery_before_the_onset_is_refused_with_both_times() -> None:
    with pytest.raises(InvalidArgument, match="2026-07-06 08:55:00 is before the onset 2026-07-06 09:00:00"):
        lifecycle.resolve(opened(), by="ada", at=at(5), recovered_at=at(-5))


class Life(RuleBasedStateMachine):
    """One incident in the hands of telemetry and people, in any order; time only goes on."""

    ALLOWED: ClassVar = {
        State.OPEN: {State.OPEN, State.ACKNOWLEDGED, State.RESOLVED, State.MERGED},
        State.ACKNOWLEDGED: {State.ACKNOWLEDGED, State.OPEN, State.RESOLVED, State.MERGED},
        State.RESOLVED: {State.RESOLVED, State.OPEN, State.MERGED},
        State.MERGED: {State.MERGED}}

    @initialize()
    def begins(self) -> None:
        self.now = 1.0
        self.anomalies = [anomaly(is_opening=True)]
        self.incident = opened()

    def take(self, after: Incident) -> None:
        before, self.incident = self.incident, after
        self.now += 1
        assert after.state in self.ALLOWED[before.state]
        assert after.timeline[:len(before.timeline)] == before.timeline, "what stood on the timeline stays"
        assert set(before.services) <= set(after.services)

    def see(self, kind: Kind, resolved: float | None = None) -> None:
        told = step(kind, self.now, *self.anomalies, resolved=resolved)
        after = observing.observe(self.incident, told, at=at(self.now))
        assert observing.observe(after, told, at=at(self.now + 50)) == after
        self.take(after)

    @rule(service=st.sampled_from(SERVICES))
    def joins(self, service: str) -> None:
        if not any(each.service == service and each.recovered_at is None for each in self.anomalies):
            self.anomalies.append(anomaly(service, self.now))
            self.see(Kind.ANOMALY_JOINED)

    @rule(service=st.sampled_from(SERVICES))
    def recovers(self, service: str) -> None:
        self.anomalies = [replace(each, recovered_at=at(self.now)) if each.service == service
                          and each.recovered_at is None else each for each in self.anomalies]
        self.see(Kind.ANOMALY_RECOVERED)

    @precondition(lambda self: all(each.recovered_at is not None for each in self.anomalies))
    @rule()
    def is_over(self) -> None:
        self.see(Kind.RESOLVED, resolved=self.now)

    @rule()
    def acknowledged(self) -> None:
        self.person(lambda: lifecycle.acknowledge(self.incident, by="ada", at=at(self.now)), State.ACKNOWLEDGED)

    @rule()
    def resolved(self) -> None:
        self.person(lambda: lifecycle.resolve(self.incident, by="ada", at=at(self.now), recovered_at=None),
                    State.RESOLVED)

    @rule()
    def reopened(self) -> None:
        self.person(lambda: lifecycle.reopen(self.incident, by="ada", at=at(self.now)), None)

    @rule(severity=st.sampled_from(Severity))
    def weighed(self, severity: Severity) -> None:
        self.take(lifecycle.update(self.incident, fields=frozenset({"severity"}), severity=severity, title="", tags=(),
                                   ticket_url="", by="ada", at=at(self.now)))
        assert self.incident.severity is severity

    @rule()
    def merged_away(self) -> None:
        target = opened(anomaly("billing", is_opening=True), name="incidents/b")
        if self.incident.state is not State.MERGED and self.now > 8:
            _, [gone] = lifecycle.merge(target, [self.incident], by="ada", at=at(self.now))
            self.take(gone)

    def person(self, act: "object", leads_to: State | None) -> None:
        before = self.incident
        try:
            after = act()  # type: ignore[operator]
        except FailedPrecondition:
            assert before.state in (State.RESOLVED, State.MERGED)
            return
        assert leads_to in (None, after.state)
        self.take(after)
        assert act() == after, "twice is once"  # type: ignore[operator]

    @invariant()
    def times_fit_the_state(self) -> None:
        one = self.incident
        assert one.onset_at <= one.detected_at
        if one.state is State.RESOLVED:
            assert one.recovered_at is not None
            assert one.resolved_at is not None
            assert one.onset_at <= one.recovered_at <= one.resolved_at
        if one.state in (State.OPEN, State.ACKNOWLEDGED):
            assert one.resolved_at is None
        assert (one.state is State.MERGED) == bool(one.merged_into)
        assert [each.is_opening for each in one.anomalies].count(True) == 1
        assert len({each.key for each in one.anomalies}) == len(one.anomalies)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
