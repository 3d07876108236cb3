"""What tests of plugins and applications are built from: a scripted provider, a clock to turn, a transport for
respx.
"""

from aiorch.testing.clock import FakeClock
from aiorch.testing.scripted import ScriptedProvider
from aiorch.testing.transport import respx_transport

__all__ = ["FakeClock", "ScriptedProvider", "respx_transport"]
