"""What a browser's form sent, checked: size, encoding, session."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from urllib.parse import parse_qsl, quote, unquote

from starlette.requests import Request
from starlette.responses import Response

from services.dashboard.security import CSRF_FIELD, Guard
from shared.errors import InvalidArgument

AUTHOR_COOKIE = "afteraction_author"
# A post-mortem may have a megabyte; every character of it may take three bytes in a form.
MAX_BYTES = 4 * 1024 * 1024
_MAX_FIELDS = 2000


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one submission; line ends as we store them."""

    values: Mapping[str, str]

    def text(self, name: str) -> str:
        """The field, without the white space around it; empty where there is none."""
        return self.values.get(name, "").strip()

    def whole(self, name: str) -> str:
        """The field as it was typed, white space and all."""
        return self.values.get(name, "")

    def required(self, name: str, what: str) -> str:
        """The field. Raises InvalidArgument that names `what` is missing."""
        value = self.text(name)
        if not value:
            raise InvalidArgument(f"{what} is missing", reason="FIELD_REQUIRED", field=name)
        return value

    def author(self) -> str:
        return self.required("author", "your name")

    def numbered(self, prefix: str) -> list[tuple[str, str]]:
        """(key, value) of the fields `prefix.key`, in the order of the form."""
        return [(name[len(prefix) + 1:], value.strip()) for name, value in self.values.items()
                if name.startswith(f"{prefix}.")]


async def read(request: Request, guard: Guard) -> Form:
    """The form in `request`. Raises InvalidArgument when it is too long, garbled, or of another session."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BYTES:
            raise InvalidArgument(f"the form is longer than {MAX_BYTES} bytes", reason="FORM_TOO_LARGE")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise InvalidArgument("the form is not URL-encoded UTF-8", reason="FORM_GARBLED") from error
    # Browsers make CRLF of every line end in a form.
    values = {name: value.replace("\r\n", "\n") for name, value in pairs}
    if not guard.is_csrf(request.scope["session_cookie"], values.get(CSRF_FIELD, "")):
        raise InvalidArgument("this form belongs to another session; reload the page and send it again",
                              reason="FORM_EXPIRED", field=CSRF_FIELD)
    return Form(values)


def remember_author(response: Response, author: str, guard: Guard) -> None:
    """So that the next form has the name filled in."""
    response.set_cookie(AUTHOR_COOKIE, quote(author), max_age=90 * 86400, samesite="strict", httponly=True,
                        secure=guard.is_secure)


def author_of(request: Request) -> str:
    """The name that this browser gave last, for the form; nobody is trusted for it."""
    return unquote(request.cookies.get(AUTHOR_COOKIE, ""))[:256]


def with_line_ends(typed: str, before: str) -> str:
    """`typed` with the line ends of `before` in the lines that a person left as they were.

    A browser sends every line end alike; a document that has CRLF in some lines keeps it there.
    """
    if "\r\n" not in before:
        return typed
    old = before.split("\n")
    new = typed.split("\n")
    same = SequenceMatcher(None, [line.removesuffix("\r") for line in old], new, autojunk=False)
    for _, i, j, k, m in same.get_opcodes():
        if j - i == m - k:
            ends = ["\r" if line.endswith("\r") else "" for line in old[i:j]]
            new[k:m] = [line + end for line, end in zip(new[k:m], ends, strict=True)]
    return "\n".join(new)
