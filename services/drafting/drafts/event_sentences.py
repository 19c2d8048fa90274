"""What an event says, in one sentence without its time; what was done, as a noun."""

from services.drafting.observations import (
    Alert,
    ConfigChange,
    Deploy,
    Event,
    FlagChange,
    InfrastructureEvent,
    Note,
    Page,
    PageState,
)
from services.drafting.statements import quoted
from services.drafting.wording import counted

_PAGE_VERBS = {
    PageState.SENT: "is sent",
    PageState.ACKNOWLEDGED: "is acknowledged",
    PageState.RESOLVED: "is closed",
}


def event_sentence(event: Event) -> str:
    """What an event says, without its time."""
    detail, service = event.detail, event.service or "the system"
    match detail:
        case Deploy(is_rollback=True):
            return f"Rollback of {service} to {detail.version} starts."
        case Deploy():
            where = f" to {counted(detail.instances, 'instance')}" if detail.instances else ""
            return f"{detail.version} of {service} is deployed{where}."
        case ConfigChange():
            return f"The setting {quoted(detail.setting, 80)} of {service} changes{_values(detail)}."
        case FlagChange():
            return f"The flag {quoted(detail.flag, 80)} of {service} is switched{_values(detail)}."
        case Alert():
            said = f": {quoted(detail.summary, 120)}" if detail.summary else "."
            return f"The alert {quoted(detail.alert_name, 80)} {'fires' if detail.is_firing else 'ends'}{said}"
        case Page():
            verb = _PAGE_VERBS[detail.state]
            return f"A page {verb}{f': {quoted(detail.summary, 120)}' if detail.summary else '.'}"
        case Note():
            return f"Noted: {quoted(detail.text, 600)}"
        case InfrastructureEvent():
            return f"Infrastructure reports {quoted(detail.reason, 80)} for {detail.resource or service}."


def named(change: Event) -> str:
    """A change as the subject of a sentence: `v2.4.2 of checkout-api`."""
    match change.detail:
        case Deploy() as deploy:
            return f"{deploy.version} of {change.service or 'the system'}"
        case ConfigChange() as config:
            return f"the change of the setting {quoted(config.setting, 80)}"
        case FlagChange() as flag:
            return f"the switch of the flag {quoted(flag.flag, 80)}"
        case _:
            return "a change"


def taken_back(undone: Event) -> str:
    """What undid a change: `the rollback to v2.4.1`."""
    if isinstance(undone.detail, Deploy):
        return f"the rollback to {undone.detail.version}"
    return "taking the change back"


def _values(detail: ConfigChange | FlagChange) -> str:
    if not detail.old_value and not detail.new_value:
        return ""
    if not detail.old_value:
        return f" to {quoted(detail.new_value, 60)}"
    return f" from {quoted(detail.old_value, 60)} to {quoted(detail.new_value, 60)}"
