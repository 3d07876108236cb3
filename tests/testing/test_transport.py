from __future__ import annotations

import subprocess
import sys

import pytest
import respx

import aiorch.testing
from aiorch.testing import respx_transport


@pytest.mark.anyio
async def test_a_call_is_answered_by_the_routers_routes_and_by_no_network() -> None:
    router = respx.Router()
    route = router.get("https://api.example.test/v1/models").respond(json={"data": []})
    transport = respx_transport(router)
    reply = await transport.send(transport.prepare("GET", "https://api.example.test/v1/models"))
    assert (reply.status, reply.body) == (200, b'{"data":[]}')
    assert route.called
    await transport.aclose()


@pytest.mark.anyio
async def test_a_stream_comes_from_the_router_too() -> None:
    router = respx.Router()
    router.post("https://api.example.test/v1/chat").respond(200, content=b"data: a\n\ndata: b\n\n")
    transport = respx_transport(router)
    prepared = transport.prepare("POST", "https://api.example.test/v1/chat")
    async with transport.stream(prepared, b"{}") as reply:
        assert b"".join([piece async for piece in reply]) == b"data: a\n\ndata: b\n\n"
    await transport.aclose()


def test_the_names_for_tests_load_neither_respx_nor_an_http_client() -> None:
    asked = "import sys, aiorch.testing; print(*sorted({'aiohttp', 'httpx', 'respx'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    assert "respx_transport" in aiorch.testing.__all__
