"""respx beneath a :class:`~aiorch.net.Transport`: routes instead of a network, in tests.

For example:

    router = respx.Router()
    router.post("https://api.groq.com/openai/v1/chat/completions").respond(json={...})
    groq = HTTPProvider(SPECS["groq"], respx_transport(router), keys={...})
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiorch.net import Transport

if TYPE_CHECKING:
    import respx


def respx_transport(router: respx.Router) -> Transport:
    """A transport whose every call is answered by ``router``.

    (``respx.mock`` patches httpx's own transports, so it does not reach others.)
    """
    import httpx

    return Transport(httpx.MockTransport(router.async_handler))
