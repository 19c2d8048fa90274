"""Signing in with the configured token."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.dashboard import forms
from services.dashboard.desk import Desk, see_other
from services.dashboard.security import SESSION_COOKIE
from shared.errors import Unauthenticated


def routes(desk: Desk) -> list[Route]:
    async def show(request: Request) -> Response:
        return await desk.page(request, "sign_in.html", next=_path(request.query_params.get("next", "")))

    async def sign_in(request: Request) -> Response:
        form = await forms.read(request, desk.guard)
        if not desk.guard.is_token(form.text("token")):
            raise Unauthenticated("that is not the token that AFTERACTION_TOKEN has", reason="WRONG_TOKEN")
        response = see_other(_path(form.text("next")))
        desk.guard.set_cookie(response, desk.guard.open_session())
        return response

    async def sign_out(request: Request) -> Response:
        await forms.read(request, desk.guard)
        response = see_other("/sign-in" if desk.guard.token else "/")
        response.delete_cookie(SESSION_COOKIE)
        return response

    return [Route("/sign-in", show), Route("/sign-in", sign_in, methods=["POST"]),
            Route("/sign-out", sign_out, methods=["POST"])]


def _path(wanted: str) -> str:
    """`wanted` where it is a path of ours, so that nobody is sent elsewhere."""
    return wanted if wanted.startswith("/") and not wanted.startswith(("//", "/\\")) else "/"
