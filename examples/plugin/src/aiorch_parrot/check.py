"""Whether an answer was finished, by its last character."""

from __future__ import annotations

from aiorch.types import CheckResult, Response, Task

ENDS = (".", "!", "?", "…", "。", "！", "？", "؟", '"', "'", ")", "»", "”", "`")


class EndsWell:
    """The answer ends with a whole sentence."""

    name = "ends_well"

    async def check(self, task: Task, response: Response) -> CheckResult:
        """``None`` where there is no text to look at, or JSON was asked for."""
        text = response.message.text.rstrip()
        if not text or task.schema is not None:
            return CheckResult(self.name, None, "there are no sentences to look at")
        if text.endswith(ENDS):
            return CheckResult(self.name, True)
        return CheckResult(
            self.name, False, f"the answer ends with {text[-20:]!r}, in the middle of a sentence"
        )
