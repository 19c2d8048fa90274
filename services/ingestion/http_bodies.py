"""The body of an HTTP request, read and expanded within limits: a bomb is refused after one step, not unpacked."""

import asyncio
import zlib

import cramjam
from starlette.requests import ClientDisconnect, Request

from services.ingestion.room import Room
from shared.errors import InvalidArgument
from shared.offload import Offload

# A sender that takes longer for one body holds a place for nothing.
_WITHIN_S = 60.0
_PLAIN = ("", "identity")
_ZLIB = ("gzip", "deflate")


class UnsupportedMedia(InvalidArgument):
    """A type or an encoding that this door does not read: HTTP's 415."""


class TooLarge(InvalidArgument):
    """More bytes than one request may have: HTTP's 413."""


class Bodies:
    """Reads bodies for every door, counting what they hold meanwhile."""

    def __init__(self, *, room: Room, offload: Offload, most_bytes: int) -> None:
        self._room = room
        self._offload = offload
        self._most_bytes = most_bytes

    async def read(self, request: Request, *, snappy: bool = False) -> bytes:
        """The body, expanded by its Content-Encoding. snappy: the block format instead of gzip and deflate.

        Raises UnsupportedMedia, TooLarge, InvalidArgument when it cannot be expanded, ResourceExhausted when there is
        no room for it.
        """
        encoding = request.headers.get("content-encoding", "").strip().lower()
        known = ("", "snappy") if snappy else (*_PLAIN, *_ZLIB)
        if encoding not in known:
            raise UnsupportedMedia(f"Content-Encoding {encoding[:40]!r} is not read here; send "
                                   f"{' or '.join(each for each in known if each)}", reason="UNSUPPORTED_ENCODING",
                                   field="Content-Encoding")
        with self._room.hold() as hold:
            parts = []
            try:
                async with asyncio.timeout(_WITHIN_S):
                    async for part in request.stream():
                        hold.grow(len(part))
                        if hold.size > self._most_bytes:
                            raise self._too_large("as it was sent")
                        parts.append(part)
            except TimeoutError:
                raise InvalidArgument(f"the body did not arrive within {_WITHIN_S:.0f} s", reason="BODY_TOO_SLOW",
                                      field="body") from None
            except ClientDisconnect:
                raise InvalidArgument("the sender hung up before its body was there", reason="BODY_CUT_OFF",
                                      field="body") from None
            body = b"".join(parts)
            if snappy:
                return await self._offload.run(self._unsnapped, body)
            return body if encoding in _PLAIN else await self._offload.run(self._inflated, body, encoding)

    def _unsnapped(self, body: bytes) -> bytes:
        try:
            # What it will be is written in its first bytes.
            if cramjam.snappy.decompress_raw_len(body) > self._most_bytes:
                raise self._too_large("after decompression")
            return bytes(cramjam.snappy.decompress_raw(body))
        except cramjam.DecompressionError as error:
            raise InvalidArgument(f"the body is not snappy's block format: {error}", reason="MALFORMED_BODY",
                                  field="body") from None

    def _inflated(self, body: bytes, encoding: str) -> bytes:
        parts: list[bytes] = []
        size = 0
        # gzip may consist of several members; `deflate` is zlib's format, and of some senders the bare one.
        while body or not parts:
            inflater = zlib.decompressobj(wbits=_wbits(body, encoding))
            try:
                part = inflater.decompress(body, self._most_bytes + 1 - size)
            except zlib.error as error:
                raise _malformed(encoding, str(error)) from None
            size += len(part)
            if size > self._most_bytes:
                raise self._too_large("after decompression")
            if not inflater.eof:
                raise _malformed(encoding, "it is cut off")
            parts.append(part)
            body = inflater.unused_data.lstrip(b"\0") if encoding == "gzip" else b""
        return b"".join(parts)

    def _too_large(self, when: str) -> TooLarge:
        return TooLarge(f"the body has more than max_request_bytes ({self._most_bytes}) {when}; send smaller batches",
                        reason="REQUEST_TOO_LARGE", field="body")


def _wbits(body: bytes, encoding: str) -> int:
    if encoding == "gzip":
        return 16 + zlib.MAX_WBITS
    is_wrapped = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] * 256 + body[1]) % 31 == 0
    return zlib.MAX_WBITS if is_wrapped else -zlib.MAX_WBITS


def _malformed(encoding: str, why: str) -> InvalidArgument:
    return InvalidArgument(f"the body is not {encoding}: {why}", reason="MALFORMED_BODY", field="body")
