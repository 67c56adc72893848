"""What all pages have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rmbench.report.html import environment as report_environment
from rmbench.scores import VERSION

TEMPLATES = Path(__file__).parent / "templates"
# Nothing from anywhere but the folder, and nothing inline. To Firefox a file on disk is never 'self', so the scheme is
# named too; a page that comes over http(s) can load no file: whatever its policy.
POLICY = "default-src 'none'; script-src 'self' file:; style-src 'self' file:; base-uri 'none'; form-action 'none'"


def environment() -> Any:
    """Our templates, then those of the report. Everything that a template is told is escaped."""
    return report_environment(TEMPLATES)


def page_settings(*, depth: int, home: str) -> dict[str, Any]:
    """What the frame of a page needs: the way to the top of the folder, and the file of its board."""
    return {"root": "../" * depth, "home": home, "version": VERSION, "policy": POLICY}
