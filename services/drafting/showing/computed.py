"""Numbers that were computed, and values that a team configured."""

from collections.abc import Mapping
from datetime import datetime

from services.drafting.evidence import Evidence, EvidenceKind
from services.drafting.hypotheses.hypothesis import Figure


def setting_evidence(name: str, value: str, meaning: str) -> Evidence:
    """Something that the team configured."""
    return Evidence(f"setting/{name}", EvidenceKind.SETTING, meaning, values={"setting": name, "value": value})


def derived_evidence(
    key: str,
    statement: str,
    values: Mapping[str, str],
    *,
    service: str = "",
    at: datetime | None = None,
    until: datetime | None = None,
) -> Evidence:
    """A number that was computed, with all that it was computed from."""
    said = f"{statement.rstrip('.')}: {'; '.join(f'{name} {value}' for name, value in values.items())}."
    return Evidence(f"derived/{key}", EvidenceKind.METRIC, said, service, at, until, 0.8, values=dict(values))


def figure_evidence(figure: Figure) -> Evidence:
    """Numbers that a hypothesis computed from observations."""
    said = f"{figure.statement}: {', '.join(f'{value} {name}' for name, value in figure.values.items())}."
    return Evidence(figure.key, EvidenceKind.METRIC, said, figure.service, strength=0.8, values=dict(figure.values))
