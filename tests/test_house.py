"""Who may import whom: what an import really loads."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_workflows_loads_no_protocol_and_no_database() -> None:
    """Workflow code runs outside the sandbox; what it cannot reach it cannot misuse."""
    script = (
        "import sys, hub.workflows.clearance; "
        "print([m for m in ('zeep', 'requests', 'sqlalchemy', 'lxml', 'fastapi', 'cel_expr_python')"
        " if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
