"""The HTTP seam: one attempt over a pooled transport, its true cause of failure, and server-sent events.

Nothing here knows about models or providers. No HTTP client is imported before the first call.
"""

from aiorch.net.calls import Prepared
from aiorch.net.causes import NetError, Phase, net_error
from aiorch.net.ndjson import NDJSONParser
from aiorch.net.sse import EventTooLarge, ServerSentEvent, SSEParser
from aiorch.net.transport import Reply, StreamReply, Transport

__all__ = [
    "EventTooLarge",
    "NDJSONParser",
    "NetError",
    "Phase",
    "Prepared",
    "Reply",
    "SSEParser",
    "ServerSentEvent",
    "StreamReply",
    "Transport",
    "net_error",
]
