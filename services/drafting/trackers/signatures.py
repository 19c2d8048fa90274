"""Whether a webhook comes from the tracker: HMAC-SHA256 over its body with the secret that both know."""

import hashlib
import hmac

from shared.errors import Unauthenticated


def verify(tracker: str, body: bytes, secret: str, given: str) -> None:
    """given: the signature in hexadecimal. Raises Unauthenticated."""
    if not secret:
        raise Unauthenticated(
            f"webhooks of {tracker} are not taken without a secret; set tracker_webhook_secret",
            reason="NO_WEBHOOK_SECRET",
        )
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.strip().lower().encode()):
        raise Unauthenticated(
            f"the webhook's signature is not that of {tracker}; does it have the secret of tracker_webhook_secret?",
            reason="BAD_SIGNATURE",
        )
