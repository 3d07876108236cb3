"""Functions that a model may call: made from typed Python functions, and called so that every fault becomes an answer.

A fault is told to the model, which may mend it; only :class:`~aiorch.errors.ToolError` ends the task.

    @tool(idempotent=True)
    def exchange_rate(base: str, quote: str = "EUR") -> float:
        "How much one unit of a currency is worth in another."
        ...

    result = await ToolRunner().call(call, [exchange_rate])        # a ToolResult, whatever happens
"""

from aiorch.tools.function import FunctionTool, tool
from aiorch.tools.runner import ToolRunner

__all__ = ["FunctionTool", "ToolRunner", "tool"]
