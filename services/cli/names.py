"""Resource names as people type them."""


def full_name(collection: str, name: str) -> str:
    """`incidents/ID` for `ID`; a name with a collection stays as it is; the server says when it is wrong."""
    return name if "/" in name else f"{collection}/{name}"
