"""What the incident cost, computed: duration, failed requests above what fails anyway, users, money, budget.

Each number is put among the case's evidence with everything that it was computed from, so that the sentence which says
it can be recomputed by whoever reads it.
"""

from collections.abc import Sequence
from datetime import datetime

from services.drafting.case import Case
from services.drafting.drafts.draft import Impact
from services.drafting.drafts.error_budget import budget
from services.drafting.drafts.failures import FEWEST, Failures, failures
from services.drafting.drafts.lost_value import lost_value
from services.drafting.requests import Requests, requests
from services.drafting.showing import INCIDENT, derived_evidence
from services.drafting.statements import Statement
from services.drafting.wording import between, clock, from_to, listed, number, share


def impact(case: Case) -> Impact:
    """What it cost, as far as data says; None for what it does not."""
    facts = case.facts
    end = facts.recovered_at or facts.resolved_at or facts.detected_at
    statements = [_duration(case, end)]
    answered = requests(case.observations, facts.service, facts.onset_at, end)
    failed = failures(answered)
    if failed is None or failed.above < FEWEST:
        statements += _affected(case) + _users(case)
        return Impact((end - facts.onset_at).total_seconds(), tuple(statements), affected_users=_user_count(case))
    statements += _failed(case, answered, failed)
    statements += _affected(case) + _users(case)
    cost, cost_statements = lost_value(case, answered)
    consumed, budget_statements = budget(case, answered, failed)
    # Of a minor incident the verdict says enough; what it was computed from stands in its evidence.
    budget_statements = budget_statements if case.is_major else budget_statements[-1:]
    return Impact(
        (end - facts.onset_at).total_seconds(),
        (*statements, *cost_statements, *budget_statements),
        failed.above,
        failed.uncertainty,
        _user_count(case),
        cost,
        case.policy.currency if cost is not None else "",
        consumed,
    )


def _duration(case: Case, end: datetime) -> Statement:
    facts = case.facts
    if facts.recovered_at is None:
        return case.say(
            f"{facts.service} left its normal at {clock(facts.onset_at)}; no recovery was measured.", INCIDENT
        )
    return case.say(
        f"{facts.service} was out of its normal for {between(facts.onset_at, end)}, {from_to(facts.onset_at, end)}.",
        INCIDENT,
    )


def _failed(case: Case, answered: Sequence[Requests], failed: Failures) -> list[Statement]:
    service = case.facts.service
    values = {
        "failed": number(failed.counted),
        "expected": number(failed.expected),
        "above": number(failed.above),
        "uncertainty": number(round(failed.uncertainty)),
        "total": number(failed.total),
        "share": share(failed.counted / failed.total),
        "level": "95 %",
    }
    key = case.derive(
        derived_evidence(
            f"failed-requests/{service}",
            f"Requests of {service} that failed between onset and recovery, less what failed before.",
            values,
            service=service,
            at=case.facts.onset_at,
            until=case.facts.recovered_at,
        )
    )
    unit = "recorded spans (traces are sampled)" if answered[0].is_sampled else "requests"
    said = [
        case.say(
            f"{values['failed']} of {values['total']} {unit} to {service} failed, {values['share']}. At the share that "
            f"failed before, {values['expected']} would have failed anyway: {values['failed']} - {values['expected']} "
            f"= {values['above']} ± {values['uncertainty']} failed because of it ({values['level']} interval).",
            key,
            *failed.keys[:4],
        )
    ]
    rows = sorted((one for one in answered if one.is_failure and one.count), key=lambda one: -one.count)
    if case.is_major and len({(one.operation, one.status) for one in rows}) > 1 and not answered[0].is_sampled:
        said.append(_by_operation(case, rows[:6]))
    return said


def _by_operation(case: Case, rows: Sequence[Requests]) -> Statement:
    """Which operations they were, in one sentence."""
    parts, keys = [], []
    for one in rows:
        name = one.operation or "requests"
        detail = {"operation": name, "status": one.status, "failed": number(one.count)}
        keys.append(
            case.derive(
                derived_evidence(
                    f"failed/{one.service}/{one.operation}/{one.status}",
                    f"Failed requests of {one.service} by operation and status.",
                    detail,
                    service=one.service,
                )
            )
        )
        parts.append(f"{detail['failed']} were {name} with status {one.status}")
    return case.say(f"Of them {listed(parts)}.", *keys, *(key for one in rows for key in one.keys[:2]))


def _affected(case: Case) -> list[Statement]:
    others = [service for service in case.facts.services if service != case.facts.service]
    if not others:
        return []
    verb = "were" if len(others) > 1 else "was"
    return [case.say(f"{listed(others, 12)} {verb} out of {'their' if len(others) > 1 else 'its'} normal as well.",
                     INCIDENT)]


def _user_count(case: Case) -> float | None:
    users = _failing_users(case)
    return float(len(users)) if users else None


def _failing_users(case: Case) -> set[str]:
    """Distinct users in the recorded traces that failed; a lower bound, since traces are sampled."""
    return {
        span.attributes[name]
        for trace in case.observations.traces
        if any(one.is_error for one in trace.spans)
        for span in trace.spans
        for name in case.policy.user_attributes
        if span.attributes.get(name)
    }


def _users(case: Case) -> list[Statement]:
    users = _failing_users(case)
    if not users:
        return []
    key = case.derive(
        derived_evidence("users", "Distinct users in the recorded failing traces.", {"users": str(len(users))})
    )
    return [
        case.say(
            f"At least {len(users)} users met a failure, counted in the recorded traces.",
            key,
            *(trace.key for trace in case.observations.traces[:3]),
        )
    ]
