"""How much of an error budget it took: as detection reckoned it, else from the policy's objective and the baseline."""

from collections.abc import Sequence

from services.drafting.case import Case
from services.drafting.drafts.failures import Failures
from services.drafting.incident import Objective
from services.drafting.requests import Requests
from services.drafting.showing import derived_evidence, setting_evidence
from services.drafting.statements import Statement
from services.drafting.wording import length, number, share, shown


def budget(case: Case, answered: Sequence[Requests], failed: Failures) -> tuple[float | None, list[Statement]]:
    """The share of the budget that is used up, None where it cannot be told, and the reckoning."""
    if case.incident.objectives:
        return _of_detection(case, case.incident.objectives[0])
    return _of_policy(case, answered, failed)


def _of_detection(case: Case, first: Objective) -> tuple[float, list[Statement]]:
    values = {
        "objective": first.name,
        "target": share(first.target),
        "period": length(first.period),
        "consumed": share(first.budget_consumed),
    }
    key = case.derive(derived_evidence(f"objective/{first.name}", "Detection's reckoning of the objective.", values))
    verdict = "is used up" if first.budget_consumed >= 1 else "holds"
    return first.budget_consumed, [
        case.say(
            f"The incident used {values['consumed']} of the error budget of {first.name} ({values['target']} over "
            f"{values['period']}), which {verdict}.",
            key,
        )
    ]


def _of_policy(case: Case, answered: Sequence[Requests], failed: Failures) -> tuple[float | None, list[Statement]]:
    objective = case.policy.objective
    minutes = max((one.baseline_minutes for one in answered), default=0.0)
    before = sum(one.baseline_count for one in answered)
    if not minutes or not before or answered[0].is_sampled:
        return None, []
    period_minutes = objective.period.total_seconds() / 60
    # Reckoned with the rate as it is shown, so that whoever reckons it again finds the same.
    rate = shown(before / minutes)
    monthly = rate * period_minutes
    allowed = monthly * (1 - objective.target)
    consumed = failed.above / allowed
    values = {
        "target": share(objective.target),
        "period": length(objective.period),
        "requests": number(monthly),
        "rate": number(rate),
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
