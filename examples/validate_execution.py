"""What came in and what went out, looked at by the guard and written into the audit log; no model is asked.

python examples/validate_execution.py "Write to ann@mail.net" "I wrote to her."
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from aiorch.guide import SecurityException, security_manager

logger = logging.getLogger("validate_execution")


async def validate_execution(input_data: Any, output_data: Any) -> bool:
    """Whether an execution may stand, as the integration guide asks it.

    :raises SecurityException: when the guard refuses the input.
    :raises AuditError: when the execution cannot be recorded.
    """
    input_check = security_manager.sanitize_input(input_data)
    if not input_check["safe"]:
        raise SecurityException(input_check["issues"])

    output_check = security_manager.validate_output(output_data)
    if not output_check["valid"]:
        logger.warning("Output issues: %s", [issue.code for issue in output_check["issues"]])

    security_manager.log_execution(input_data, output_data, valid=output_check["valid"])
    return output_check["valid"]


if __name__ == "__main__":
    asked, answered = sys.argv[1:] or ("Why is the sky blue?", "Because of the air.")
    try:
        print("valid" if asyncio.run(validate_execution(asked, answered)) else "not valid")
    except SecurityException as refused:
        sys.exit(f"refused: {'; '.join(issue.message for issue in refused.issues)}")
