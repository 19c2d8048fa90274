"""Measures that had left their baselines before the incident began: what could have shown it sooner."""

from datetime import timedelta

from services.drafting.case import Case
from services.drafting.drafts.milestones import culprit_change
from services.drafting.observations import Anomaly

# What left its baseline earlier than this has another story.
LOOK_BACK = timedelta(minutes=30)
# Values are told by the minute: so much earlier is a sign, less is the same moment.
AHEAD = timedelta(minutes=2)
STRONG = 6.0


def early_signs(case: Case) -> list[Anomaly]:
    """The strongest first: of the service that the cause lies in after its change, else of any affected one.

    A measure that went down while another one of the same name went up (one operation took another's place) is told
    by the one that rose.
    """
    facts, change = case.facts, culprit_change(case)
    since = facts.onset_at - LOOK_BACK if change is None else change.occurred_at
    services = {case.cause.service} if case.cause is not None else {facts.service, *facts.services}
    found = [
        one
        for one in facts.anomalies
        if one.service in services
        and not one.is_opening
        and since <= one.detected_at <= facts.onset_at - AHEAD
        and abs(one.z) >= STRONG
        and one.observed >= one.baseline
    ]
    return sorted(found, key=lambda one: (-abs(one.z), one.onset_at))
