"""Observations as evidence: the fact in one sentence, with its numbers, times and names beside it.

Every text that came from outside (a log line, a note, a description) stands in quotation marks in the sentence and
whole in `example`.
"""

from services.drafting.observations import INCIDENT
from services.drafting.showing.computed import derived_evidence, figure_evidence, setting_evidence
from services.drafting.showing.incident import anomaly_evidence, incident_evidence
from services.drafting.showing.observations import evidence
from services.drafting.showing.past import runbook_evidence, similar_evidence

__all__ = [
    "INCIDENT",
    "anomaly_evidence",
    "derived_evidence",
    "evidence",
    "figure_evidence",
    "incident_evidence",
    "runbook_evidence",
    "setting_evidence",
    "similar_evidence",
]
