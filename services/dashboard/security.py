"""Who may see the dashboard and who may change something: host check, token, session, CSRF, headers.

Beyond loopback the shared settings demand TLS and a token; then a caller shows the token as `Authorization: Bearer` or
signs in with it once and holds a signed cookie. A form carries a token derived from the session, and a browser that
says that the request comes from another site is refused. On loopback the Host header must name this machine, so that
no web page can reach the dashboard through a name of its own (DNS rebinding).
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.clock import Clock

SESSION_COOKIE = "afteraction_session"
CSRF_FIELD = "csrf"
# Reachable without a token: a load balancer asks, the sign-in page needs its style, webhooks carry a signature.
_OPEN_PATHS = ("/healthz", "/sign-in", "/static/", "/webhooks/")
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
                               "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """Signs and checks sessions. Without a configured token everybody on this machine is let in, with a session that
    only serves to tell the browser's own forms from others'."""

    token: str
    key: bytes
    clock: Clock
    lifetime: timedelta
    is_secure: bool
    hosts: frozenset[str]

    def open_session(self) -> str:
        """A new cookie value: until when, a nonce, and the signature of both."""
        until = int((self.clock.now() + self.lifetime).timestamp())
        body = f"{until}.{secrets.token_urlsafe(16)}"
        return f"{body}.{self._sign('session', body)}"

    def is_session(self, cookie: str) -> bool:
        """Whether we gave out `cookie`, and not too long ago."""
        body, _, signature = cookie.rpartition(".")
        until = body.partition(".")[0]
        return (until.isdigit() and len(until) < 16 and hmac.compare_digest(signature, self._sign("session", body))
                and int(until) > self.clock.now().timestamp())

    def csrf(self, cookie: str) -> str:
        """What a form of this session carries."""
        return self._sign("csrf", cookie)

    def is_csrf(self, cookie: str, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.csrf(cookie).encode())

    def is_token(self, given: str) -> bool:
        return bool(self.token) and hmac.compare_digest(given.encode(), self.token.encode())

    def is_host(self, host: str) -> bool:
        """Whether a browser may have reached us under `host`."""
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        return name.lower() in self.hosts

    def set_cookie(self, response: Response, cookie: str) -> None:
        response.set_cookie(SESSION_COOKIE, cookie, max_age=int(self.lifetime.total_seconds()), httponly=True,
                            samesite="strict", secure=self.is_secure)

    def _sign(self, purpose: str, text: str) -> str:
        digest = hmac.new(self.key, f"{purpose}\x1f{text}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def guard(token: str, *, clock: Clock, lifetime: timedelta, address: str, hosts: tuple[str, ...],
          is_secure: bool) -> Guard:
    """The guard for a dashboard that listens on `address`. The key comes from the token, so that several dashboards
    know each other's sessions; without one it lives as long as the process."""
    own = address.rpartition(":")[0].lower()
    key = hashlib.sha256(b"afteraction dashboard\x1f" + token.encode()).digest() if token else secrets.token_bytes(32)
    return Guard(token=token, key=key, clock=clock, lifetime=lifetime, is_secure=is_secure,
                 hosts=_LOOPBACK_HOSTS | {own} | {host.lower() for host in hosts})


class Guarded:
    """ASGI middleware: refuses who may not come in, gives browsers a session, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, *, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        cookie = request.cookies.get(SESSION_COOKIE, "")
        has_session = self._guard.is_session(cookie)
        refusal = self._refusal(request, has_session)
        if not has_session and not self._guard.token:
            cookie = self._guard.open_session()
        scope["session_cookie"] = cookie

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not request.url.path.startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-store")
                if self._guard.is_secure:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
                if not has_session and not self._guard.token and _wants_page(request.headers):
                    holder = Response()
                    self._guard.set_cookie(holder, cookie)
                    headers.append("Set-Cookie", holder.headers["set-cookie"])
            await send(message)

        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, request: Request, has_session: bool) -> Response | None:
        if not self._guard.is_host(request.headers.get("host", "")):
            return PlainTextResponse(
                "The dashboard is not served under this host name; add it to AFTERACTION_DASHBOARD_HOSTS.\n", 421)
        if request.method not in ("GET", "HEAD") and request.headers.get("sec-fetch-site", "same-origin") not in (
                "same-origin", "none"):
            return PlainTextResponse("Refused: the request comes from another site.\n", 403)
        if not self._guard.token or has_session or request.url.path.startswith(_OPEN_PATHS):
            return None
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._guard.is_token(given.strip()):
            return None
        if _wants_page(request.headers) and request.method == "GET":
            return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", 303)
        return JSONResponse({"error": {"code": "UNAUTHENTICATED", "reason": "TOKEN_REQUIRED", "violations": [],
                                       "message": "show the token as «Authorization: Bearer …»"}}, 401,
                            headers={"WWW-Authenticate": "Bearer"})


def _wants_page(headers: Headers) -> bool:
    return "text/html" in headers.get("accept", "")
