"""What failed requests cost: those above what fails anyway, times the value that a team gave the operation."""

from collections.abc import Sequence

from services.drafting.case import Case
from services.drafting.drafts.failures import FEWEST, failures
from services.drafting.requests import Requests
from services.drafting.showing import derived_evidence, setting_evidence
from services.drafting.statements import Statement
from services.drafting.wording import listed, money, number


def lost_value(case: Case, answered: Sequence[Requests]) -> tuple[float | None, list[Statement]]:
    """The sum over the operations that have a value, None where none of them failed, and the reckoning of each."""
    total, said = 0.0, []
    currency = case.policy.currency
    for part, value in sorted(case.policy.operation_values.items()):
        chosen = [one for one in answered if part.casefold() in one.operation.casefold()]
        failed = failures(chosen)
        if failed is None or failed.above < FEWEST or chosen[0].is_sampled:
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
