from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from services.drafting.action_items import Item, State
from services.drafting.insights.facts import Facts, IncidentFacts, PostmortemFacts, recurrences
from services.drafting.insights.measures import Measure, measures
from services.drafting.insights.survival import SectionSurvival
from services.drafting.markdown.document import SectionKind

ONSET = datetime(2026, 7, 5, 3, 47, tzinfo=UTC)
NOW = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def incident(
    name: str = "incidents/a",
    *,
    after: timedelta = timedelta(),
    lasted: float | None = 23,
    service: str = "checkout-api",
    severity: int = 1,
) -> IncidentFacts:
    onset = ONSET + after
    return IncidentFacts(
        name,
        "it answers 500",
        service,
        severity,
        onset,
        onset + minutes(2),
        onset + minutes(4),
        onset + minutes(15),
        onset + minutes(lasted) if lasted is not None else None,
        onset + minutes(lasted + 5) if lasted is not None else None,
    )


def postmortem(
    name: str = "postmortems/a",
    *,
    of: IncidentFacts | None = None,
    published: bool = True,
    factors: tuple[str, ...] = ("capacity",),
) -> PostmortemFacts:
    of = of or incident()
    created = of.onset_at + minutes(30)
    return PostmortemFacts(
        name,
        of.name,
        of.title,
        of.service,
        of.onset_at,
        created,
        1.5,
        created + timedelta(hours=20) if published else None,
        factors,
    )


def item(
    name: str = "actionItems/a",
    *,
    postmortem: str = "postmortems/a",
    state: State = State.OPEN,
    due: date | None = date(2026, 7, 12),
    done_at: datetime | None = None,
    incident: str = "incidents/a",
) -> Item:
    return Item(
        name,
        postmortem,
        incident,
        "live",
        1,
        "assert the query count",
        "team-checkout",
        due,
        1,
        state,
        "",
        "",
        (),
        "process",
        ONSET + timedelta(days=1),
        done_at,
    )


def one(found: tuple[Measure, ...], name: str, service: str = "", severity: str = "") -> Measure:
    [measure] = [each for each in found if (each.name, each.service, each.severity) == (name, service, severity)]
    return measure


def test_coverage_counts_significant_incidents_that_ended() -> None:
    incidents = (
        incident(),
        incident("incidents/b"),
        incident("incidents/p3", severity=3),
        incident("incidents/burning", lasted=None),
    )

    found = measures(Facts(incidents, (postmortem(),)), NOW)

    assert one(found, "coverage").value == 0.5
    assert one(found, "coverage").sources == ("incidents/a", "incidents/b")


def test_times_are_by_service_and_severity_with_median_and_percentile() -> None:
    incidents = tuple(
        incident(f"incidents/{n}", lasted=lasted, service=service, severity=severity)
        for n, (lasted, service, severity) in enumerate([(10, "pay", 1), (20, "pay", 2), (60, "cart", 1)])
    )

    found = measures(Facts(incidents), NOW)

    assert one(found, "mttr_s").value == 1800
    assert one(found, "mttr_s").median == 1200
    assert one(found, "mttr_s").p90 == pytest.approx((20 + 0.8 * 40) * 60)
    assert one(found, "mttr_s", "pay").value == 900
    assert one(found, "mttr_s", "pay", "P1").value == 600
    assert one(found, "mttr_s", "", "P1").sources == ("incidents/0", "incidents/2")
    assert one(found, "mttd_s").value == 120 and one(found, "mtta_s").value == 120 and one(found, "mttm_s").value == 900


def test_nothing_known_is_left_out_rather_than_zero() -> None:
    assert measures(Facts(), NOW) == ()
    found = measures(Facts((replace(incident(), acknowledged_at=None, mitigated_at=None),)), NOW)
    assert not [each for each in found if each.name in ("mtta_s", "mttm_s")]


def test_time_to_publication_begins_when_the_resolution_was_stored() -> None:
    found = measures(Facts((incident(),), (postmortem(),)), NOW)

    assert one(found, "time_to_draft_s").value == 1.5
    assert one(found, "time_to_publication_s").value == pytest.approx(20 * 3600 + 1.5)


def test_review_is_the_sessions_in_which_people_touched_it() -> None:
    touched = tuple(ONSET + minutes(at) for at in (0, 3, 7, 300, 304))

    assert replace(postmortem(), touched=touched).review_s == (7 + 4) * 60
    assert replace(postmortem(), touched=(ONSET,)).review_s == 60
    assert replace(postmortem(), touched=()).review_s == 0


def test_survival_is_of_words_and_not_of_documents() -> None:
    short = replace(postmortem(), sections=(SectionSurvival(SectionKind.SUMMARY, 10, 0, 10),))
    long = replace(postmortem("postmortems/b"), sections=(SectionSurvival(SectionKind.SUMMARY, 90, 90, 90),))

    found = one(measures(Facts((incident(),), (short, long)), NOW), "survival")

    assert found.value == 0.9 and found.median == 0.5 and found.count == 2


def test_action_items_are_done_late_and_of_an_age() -> None:
    items = (
        item(),
        item("actionItems/b", state=State.DONE, done_at=ONSET + timedelta(days=4)),
        item("actionItems/c", due=None),
        item("actionItems/d", state=State.SUGGESTED),
        item("actionItems/e", state=State.DROPPED),
    )

    found = measures(Facts((incident(),), (postmortem(),), items), NOW)

    assert one(found, "action_completion").value == pytest.approx(1 / 3)
    assert one(found, "action_items_late").sources == ("actionItems/a",)
    assert one(found, "action_age_d").count == 2
    assert one(found, "action_time_d").value == 3


def test_recurrence_is_the_same_failure_mode_after_publication_with_what_was_undone() -> None:
    later = incident("incidents/later", after=timedelta(days=10))
    other_service = incident("incidents/pay", after=timedelta(days=10), service="pay")
    facts = Facts(
        (incident(), later, other_service),
        (
            postmortem(),
            postmortem("postmortems/later", of=later, published=False, factors=("capacity", "database")),
            postmortem("postmortems/pay", of=other_service),
        ),
        (
            item(),
            item("actionItems/b", state=State.DONE, done_at=ONSET + timedelta(days=2)),
            item("actionItems/c", state=State.DONE, done_at=ONSET + timedelta(days=12)),
        ),
    )

    [found] = recurrences(facts)

    assert (found.incident, found.postmortem) == ("incidents/later", "postmortems/a")
    assert [each.name for each in found.undone] == ["actionItems/a", "actionItems/c"]
    assert one(measures(facts, NOW), "recurrence").value == pytest.approx(1 / 3)
    assert one(measures(facts, NOW), "recurrence_undone").value == 1


def test_another_service_repeats_it_where_memory_found_it_alike_and_it_failed_in_the_same_way() -> None:
    later = incident("incidents/front", after=timedelta(days=10), service="storefront")
    seen = replace(postmortem("postmortems/front", of=later), resembles=("postmortems/a",))
    pool = replace(postmortem(), factors=("capacity",), failure="connection pool exhausted")

    def repeats(one: PostmortemFacts) -> list[str]:
        return [each.incident for each in recurrences(Facts((incident(), later), (pool, one)))]

    assert repeats(seen) == ["incidents/front"]
    assert repeats(replace(seen, factors=("network",), failure="connection pool exhausted")) == ["incidents/front"]
    assert repeats(replace(seen, factors=("network",), failure="")) == []
    assert repeats(replace(seen, resembles=())) == []


def test_window_knows_the_postmortem_of_an_earlier_month_and_names_what_was_undone() -> None:
    later = incident("incidents/later", after=timedelta(days=40))
    known = Facts((incident(), later), (postmortem(), postmortem("postmortems/l", of=later)), (item(),))
    window = known.in_window(ONSET + timedelta(days=30), None)

    found = measures(window, NOW, known)

    assert (one(found, "recurrence").value, one(found, "recurrence").sources) == (1, ("incidents/later",))
    assert one(found, "recurrence_undone").sources == ("incidents/later", "actionItems/a")


def test_what_is_not_published_teaches_nothing_yet() -> None:
    later = incident("incidents/later", after=timedelta(days=10))

    assert (
        recurrences(Facts((incident(), later), (postmortem(published=False), postmortem("postmortems/l", of=later))))
        == ()
    )


def test_hours_are_by_month_and_one_still_out_counts_until_now() -> None:
    incidents = (incident(lasted=90), incident("incidents/b", after=timedelta(days=29), lasted=None))

    found = measures(Facts(incidents), NOW)

    assert one(found, "incident_hours_2026_07").value == 1.5
    assert one(found, "incident_hours_2026_08").value == pytest.approx(5 + 13 / 60)


def test_every_measure_has_a_name_of_its_own() -> None:
    facts = Facts(
        (incident(), incident("incidents/b", service="pay", severity=2)),
        (postmortem(factors=("third-party", "capacity")),),
        (item(),),
    )

    keys = [(each.name, each.service, each.severity) for each in measures(facts, NOW)]

    assert len(keys) == len(set(keys))


def test_window_keeps_what_belongs_to_its_incidents() -> None:
    later = incident("incidents/b", after=timedelta(days=30))
    facts = Facts((incident(), later), (postmortem(), postmortem("postmortems/b", of=later)), (item(),))

    kept = facts.in_window(ONSET + timedelta(days=1), None)

    assert [each.name for each in kept.incidents] == ["incidents/b"]
    assert [each.name for each in kept.postmortems] == ["postmortems/b"] and kept.items == ()
