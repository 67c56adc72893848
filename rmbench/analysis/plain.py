"""Estimates as plain values for strict JSON: the same digits on every machine."""

from __future__ import annotations

from typing import Any

from rmbench.types import Estimate

DIGITS = 12  # beyond them, machines disagree


def rounded(value: float | None) -> float | None:
    """A number for JSON, without a negative zero."""
    return None if value is None else round(value, DIGITS) + 0.0


def plain(found: Estimate) -> dict[str, Any]:
    """`{value, low, high}`, with a `reason` where one of them is null."""
    told: dict[str, Any] = {key: rounded(getattr(found, key)) for key in ("value", "low", "high")}
    return told if found.reason is None else told | {"reason": found.reason}
