"""Signatures of deliveries: who signs with the secret that both sides know needs no token."""

import hashlib
import hmac
from collections.abc import Callable

from services.ingestion.webhooks.payload import Delivery
from shared.errors import Unauthenticated

Check = Callable[[Delivery], None]


def github(secret: str) -> Check:
    """Checks X-Hub-Signature-256: `sha256=` and the HMAC of the body."""
    def check(delivery: Delivery) -> None:
        _compare(secret, delivery, "X-Hub-Signature-256", ("sha256=",))
    return check


def pagerduty(secret: str) -> Check:
    """Checks X-PagerDuty-Signature: `v1=` and the HMAC of the body, one for each secret while a secret is changed."""
    def check(delivery: Delivery) -> None:
        _compare(secret, delivery, "X-PagerDuty-Signature", ("v1=",))
    return check


def _compare(secret: str, delivery: Delivery, header: str, prefixes: tuple[str, ...]) -> None:
    expected = hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()
    given = [each.strip() for each in delivery.header(header.lower()).split(",")]
    if not any(hmac.compare_digest(each.encode(), f"{prefix}{expected}".encode())
               for each in given for prefix in prefixes):
        raise Unauthenticated(f"{header} is missing or does not fit the body and our secret; both sides must have the "
                              "same one", reason="BAD_SIGNATURE")
