"""What the incident cost, computed: duration, failed requests above what fails anyway, users, money, budget.

Each number is put among the case's evidence with everything that it was computed from, so that the sentence which says
it can be recomputed by whoever reads it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from services.drafting.case import Case
from services.drafting.draft import Impact
from services.drafting.requests import Requests, requests
from services.drafting.showing import INCIDENT, derived_evidence, setting_evidence
from services.drafting.statements import Statement
from services.drafting.wording import between, clock, from_to, length, listed, money, number, share

# Two-sided 95 % of a normal distribution.
_Z95 = 1.96
# Fewer failures above the baseline than this are noise.
_FEWEST = 1.0


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed requests of some operations: as counted, and as expected from before; half the 95 % interval of that."""

    counted: float
    expected: float
    uncertainty: float
    total: float
    keys: tuple[str, ...]

    @property
    def above(self) -> float:
        return max(self.counted - self.expected, 0.0)


def impact(case: Case) -> Impact:
    """What it cost, as far as data says; None for what it does not."""
    facts = case.facts
    end = facts.recovered_at or facts.resolved_at or facts.detected_at
    statements = [_duration(case, end)]
    answered = requests(case.observations, facts.service, facts.onset_at, end)
    failed = failures(answered)
    if failed is None or failed.above < _FEWEST:
        statements += _affected(case) + _users(case)
        return Impact((end - facts.onset_at).total_seconds(), tuple(statements), affected_users=_user_count(case))
    statements += _failed(case, answered, failed)
    statements += _affected(case) + _users(case)
    cost, cost_statements = _cost(case, answered)
    budget, budget_statements = _budget(case, answered, failed)
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
        budget,
    )


def failures(answered: Sequence[Requests]) -> Failures | None:
    """Failed requests above what fails anyway; None when nobody counted requests.

    What would have failed anyway is the share that failed before, of the requests that came now. Its uncertainty is
    that of two counts: those expected now, and the ones before that the share rests on (Poisson, 95 %).
    """
    if not answered or not any(one.count for one in answered):
        return None
    total = sum(one.count for one in answered)
    counted = sum(one.count for one in answered if one.is_failure)
    before = sum(one.baseline_count for one in answered)
    failed_before = sum(one.baseline_count for one in answered if one.is_failure)
    expected = failed_before / before * total if before else 0.0
    ratio = total / before if before else 0.0
    uncertainty = _Z95 * sqrt(expected + expected * ratio)
    keys = tuple(key for one in answered if one.is_failure and one.count for key in one.keys)
    return Failures(counted, expected, uncertainty, total, keys or answered[0].keys)


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


def _cost(case: Case, answered: Sequence[Requests]) -> tuple[float | None, list[Statement]]:
    total, said = 0.0, []
    currency = case.policy.currency
    for part, value in sorted(case.policy.operation_values.items()):
        chosen = [one for one in answered if part.casefold() in one.operation.casefold()]
        failed = failures(chosen)
        if failed is None or failed.above < _FEWEST or chosen[0].is_sampled:
            continue
        lost = round(failed.above)
        cost = lost * value
        total += cost
        values = {
            "operation": part,
            "failed": number(failed.counted),
            "expected": number(failed.expected),
            "lost": number(lost),
            "value": money(value, currency),
            "cost": money(cost, currency),
            "uncertainty": number(round(failed.uncertainty)),
            "cost.uncertainty": money(failed.uncertainty * value, currency),
        }
        key = case.derive(
            derived_evidence(f"cost/{part}", f"Failed requests of {part} times their configured value.", values)
        )
        setting = case.derive(
            setting_evidence(
                f"operation_values/{part}", values["value"], f"A failed request of {part} costs {values['value']}."
            )
        )
        names = listed(sorted({one.operation for one in chosen}))
        said.append(
            case.say(
                f"{names}: {values['failed']} failed - {values['expected']} expected = {values['lost']} ± "
                f"{values['uncertainty']}, × {values['value']} each = {values['cost']} ± {values['cost.uncertainty']}.",
                key,
                setting,
                *failed.keys[:2],
            )
        )
    return (total, said) if said else (None, [])


def _budget(case: Case, answered: Sequence[Requests], failed: Failures) -> tuple[float | None, list[Statement]]:
    if case.incident.objectives:
        first = case.incident.objectives[0]
        values = {
            "objective": first.name,
            "target": share(first.target),
            "period": length(first.period),
            "consumed": share(first.budget_consumed),
        }
        key = case.derive(
            derived_evidence(f"objective/{first.name}", "Detection's reckoning of the objective.", values)
        )
        verdict = "is used up" if first.budget_consumed >= 1 else "holds"
        return first.budget_consumed, [
            case.say(
                f"The incident used {values['consumed']} of the error budget of {first.name} ({values['target']} over "
                f"{values['period']}), which {verdict}.",
                key,
            )
        ]
    objective = case.policy.objective
    minutes = max((one.baseline_minutes for one in answered), default=0.0)
    before = sum(one.baseline_count for one in answered)
    if not minutes or not before or answered[0].is_sampled:
        return None, []
    period_minutes = objective.period.total_seconds() / 60
    monthly = before / minutes * period_minutes
    allowed = monthly * (1 - objective.target)
    consumed = failed.above / allowed
    values = {
        "target": share(objective.target),
        "period": length(objective.period),
        "requests": number(monthly),
        "rate": number(before / minutes),
        "allowed": number(allowed),
        "failed": number(failed.above),
        "consumed": share(consumed),
        "allowed share": share(1 - objective.target),
    }
    key = case.derive(
        derived_evidence("budget", "The error budget of a period at the baseline's rate of requests.", values)
    )
    setting = case.derive(
        setting_evidence(
            "objective", values["target"], f"The objective is {values['target']} of requests over {values['period']}."
        )
    )
    verdict = (
        "This incident alone violates the objective"
        if consumed >= 1
        else "The objective is not violated by this incident"
    )
    return consumed, [
        case.say(
            f"The objective of {values['target']} over {values['period']} lets {values['allowed']} requests fail: "
            f"{values['rate']} per minute before the incident make {values['requests']} in that time, × "
            f"{values['allowed share']}.",
            key,
            setting,
        ),
        case.say(
            f"{verdict}: {values['failed']} / {values['allowed']} = {values['consumed']} of that budget.", key, setting
        ),
    ]
