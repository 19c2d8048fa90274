"""etag (AIP-154): who changes something shows that he has read its present state."""

from shared.errors import Aborted
from shared.names import deterministic_id


def etag(name: str, revision: int) -> str:
    """The etag of a resource at a revision."""
    return deterministic_id(name, str(revision))


def check_etag(given: str, present: str, name: str) -> None:
    """Raises Aborted when the caller read an older state; an empty etag does not care."""
    if given and given != present:
        raise Aborted(f"{name} changed after you read it; read it again and apply your change to that",
                      reason="STALE_ETAG", resource=name)
