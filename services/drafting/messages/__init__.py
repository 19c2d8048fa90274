"""The messages of ingestion, detection and memory, read into values; nothing else reads them."""

from services.drafting.messages.events import event
from services.drafting.messages.evidence import observations, observed
from services.drafting.messages.incidents import incident
from services.drafting.messages.memory import is_runbook, runbook, similar

__all__ = ["event", "incident", "is_runbook", "observations", "observed", "runbook", "similar"]
