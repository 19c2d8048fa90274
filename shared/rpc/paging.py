"""page_size and page_token (AIP-158): a token is the sort key of the last row shown, opaque to the caller."""

import base64
import binascii
import json

from shared.errors import InvalidArgument

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000


def page_size(requested: int) -> int:
    """How many to return: 0 means the default, more than the most means the most."""
    return min(requested, MAX_PAGE_SIZE) if requested > 0 else DEFAULT_PAGE_SIZE


def encode_token(*key: str) -> str:
    """The token after which the next page begins."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode_token(token: str, parts: int) -> tuple[str, ...] | None:
    """The sort key in `token`, None for the first page. Raises InvalidArgument when it is not one of ours."""
    if not token:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        key = None
    if not isinstance(key, list) or len(key) != parts or not all(isinstance(part, str) for part in key):
        raise InvalidArgument("page_token is not one that an earlier answer gave; begin again without it",
                              reason="BAD_PAGE_TOKEN", field="page_token")
    return tuple(key)
