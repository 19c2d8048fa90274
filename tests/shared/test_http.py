"""Serving HTTP: loopback or guarded, one server an address, requests under way finish."""

import asyncio
from dataclasses import replace

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shared.errors import FailedPrecondition
from shared.http import serving
from shared.settings import Common, SettingsError


async def test_beyond_loopback_tls_and_token_are_demanded() -> None:
    with pytest.raises(SettingsError, match="AFTERACTION_TLS_CERTIFICATE, AFTERACTION_TLS_KEY, AFTERACTION_TOKEN"):
        async with serving(Starlette(), "0.0.0.0:0", replace(Common(), token="")):
            pass


async def test_an_address_that_is_taken_is_told() -> None:
    async with serving(Starlette(), "127.0.0.1:0", Common()) as port:
        with pytest.raises(FailedPrecondition, match=f"127.0.0.1:{port} cannot be listened on"):
            async with serving(Starlette(), f"127.0.0.1:{port}", Common()):
                pass


async def test_a_request_that_is_under_way_is_answered_before_the_end() -> None:
    begun, stopping = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Response:
        begun.set()
        await stopping.wait()
        return PlainTextResponse("stored")

    async with httpx2.AsyncClient() as client:
        async with serving(Starlette(routes=[Route("/", slow)]), "127.0.0.1:0", Common(), stopping=stopping) as port:
            answer = asyncio.create_task(client.get(f"http://127.0.0.1:{port}/"))
            await begun.wait()

        assert (await answer).text == "stored"
        with pytest.raises(httpx2.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/")
