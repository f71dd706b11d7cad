"""
The JSON Schema of agencies' files, by which editors complete and check them while they are written.

It says what the models say; what needs more than one place to judge is checked when the file is loaded.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hub.config.models import AgencyFile

FILE_NAME = "agency.schema.json"


def schema() -> dict[str, Any]:
    """The schema of agencies/<agency>.yaml (JSON Schema, draft 2020-12)."""
    described = AgencyFile.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **described,
        "title": "An agency of the single-window hub",
    }


def schema_text() -> str:
    """The schema as it stands in the configuration folder."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def write_schema(folder: Path) -> Path:
    """Write the schema into a configuration folder; its path."""
    path = folder / FILE_NAME
    path.write_text(schema_text(), encoding="utf-8")
    return path
