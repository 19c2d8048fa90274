"""update_mask (AIP-134): which fields a caller means."""

from collections.abc import Collection

from google.protobuf.field_mask_pb2 import FieldMask

from shared.errors import InvalidArgument


def masked_fields(mask: FieldMask, allowed: Collection[str]) -> frozenset[str]:
    """The fields that `mask` names; `*` means all that are allowed.

    Raises InvalidArgument for an empty mask or a field that cannot be changed, naming those that can.
    """
    paths = frozenset(mask.paths)
    if paths == {"*"}:
        return frozenset(allowed)
    unknown = paths - frozenset(allowed)
    if unknown or not paths:
        what = f"{', '.join(sorted(unknown))} cannot be changed" if unknown else "is empty"
        raise InvalidArgument(f"update_mask {what}; it may name {', '.join(sorted(allowed))}",
                              reason="BAD_UPDATE_MASK", field="update_mask")
    return paths
