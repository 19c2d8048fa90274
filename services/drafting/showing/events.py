"""What people and other systems told."""

from services.drafting.evidence import Evidence, EvidenceKind
from services.drafting.observations import (
    Alert,
    ConfigChange,
    Deploy,
    Event,
    FlagChange,
    InfrastructureEvent,
    Note,
    Page,
)
from services.drafting.showing.labels import pairs
from services.drafting.statements import quoted
from services.drafting.wording import clock, length, number


def event_evidence(event: Event) -> Evidence:
    """One event."""
    at, detail, service = clock(event.occurred_at), event.detail, event.service or "the system"
    values = {"source": event.source, "occurred": event.occurred_at.isoformat(), **pairs(event.attributes)}
    kind, said, link, example = EvidenceKind.INFRASTRUCTURE, "", "", ""
    match detail:
        case Deploy():
            kind, link, example = EvidenceKind.DEPLOY, detail.url, detail.description
            verb = "was rolled back to" if detail.is_rollback else "was deployed in version"
            said = f"{service} {verb} {detail.version} at {at}."
            values |= {
                "version": detail.version,
                "previous": detail.previous_version,
                "commit": detail.commit,
                "environment": detail.environment,
                "instances": str(detail.instances or ""),
                "files": ", ".join(detail.changed_files),
                "files.count": str(len(detail.changed_files)),
                "description": detail.description,
            }
            if detail.watch_window:
                values |= {
                    "watch_window": length(detail.watch_window),
                    "watch_window.minutes": number(detail.watch_window.total_seconds() / 60),
                    "watch_window.end": (event.occurred_at + detail.watch_window).isoformat(),
                }
        case ConfigChange():
            kind, link = EvidenceKind.CONFIG_CHANGE, detail.url
            said = f"The setting {detail.setting} of {service} was changed at {at}."
            values |= {"setting": detail.setting, "old": detail.old_value, "new": detail.new_value}
        case FlagChange():
            kind, link = EvidenceKind.FLAG_CHANGE, detail.url
            said = f"The flag {detail.flag} of {service} was switched at {at}."
            values |= {"flag": detail.flag, "old": detail.old_value, "new": detail.new_value}
        case Alert():
            kind, link, example = EvidenceKind.ALERT, detail.url, detail.summary or detail.description
            said = f"The alert {detail.alert_name} {'fired' if detail.is_firing else 'ended'} at {at}."
            values |= {"alert": detail.alert_name, "severity": detail.severity, "runbook": detail.runbook_url}
        case Page():
            kind, link, example = EvidenceKind.PAGE, detail.url, detail.summary
            verb = {"sent": "sent", "acknowledged": "acknowledged", "resolved": "closed"}[detail.state.value]
            said = f"A page was {verb} at {at}."
            values |= {"target": detail.target, "state": detail.state.value}
        case Note():
            kind, example = EvidenceKind.NOTE, detail.text
            said = f"A responder noted at {at}: {quoted(detail.text)}"
        case InfrastructureEvent():
            example = detail.message
            said = f"Infrastructure reported {detail.reason} for {detail.resource or service} at {at}."
            values |= {"reason": detail.reason, "resource": detail.resource}
    return Evidence(event.key, kind, said, event.service, event.occurred_at, None, 0.9, link, values, example)
