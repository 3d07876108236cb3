"""How values look in a notebook. The package loads this by itself where it finds one; elsewhere nobody needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiorch.discovering import Discovery
from aiorch.views.models import models_html

HTML: Mapping[type, Callable[[Any], str]] = {Discovery: models_html}
"""By type: what draws it."""

for _kind, _draw in HTML.items():
    _kind._repr_html_ = _draw
