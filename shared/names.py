"""Resource names: `incidents/{id}`, as in Google's AIP-122, and ids that say the same for the same thing."""

import base64
import hashlib
import re

from shared.errors import InvalidArgument

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")


def resource(collection: str, identifier: str) -> str:
    """`collection/identifier`."""
    return f"{collection}/{identifier}"


def identifier(collection: str, name: str) -> str:
    """The id in `name`. Raises InvalidArgument when it is not a name of that collection."""
    prefix, slash, rest = name.partition("/")
    if prefix != collection or not slash or not _ID.match(rest):
        raise InvalidArgument(f"{name!r} is not a name of the form {collection}/{{id}}",
                              reason="MALFORMED_NAME", field="name")
    return rest


def deterministic_id(*parts: str) -> str:
    """16 lower-case characters that are the same whenever the parts are: 80 bits of SHA-256, in base 32."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return base64.b32encode(digest[:10]).decode().lower()
