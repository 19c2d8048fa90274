"""Names and severities as people type them."""

import typer

from afteraction.v1.incident_pb2 import Severity


def full_name(collection: str, name: str) -> str:
    """`incidents/ID` for `ID`; a name with a collection stays as it is; the server says when it is wrong."""
    return name if "/" in name else f"{collection}/{name}"


def severity(text: str) -> Severity.ValueType:
    """P1 to P4, in either case. Raises BadParameter."""
    if text.upper() not in ("P1", "P2", "P3", "P4"):
        raise typer.BadParameter(f"{text} is none of P1, P2, P3, P4", param_hint="--severity")
    return Severity.Value(f"SEVERITY_{text.upper()}")
