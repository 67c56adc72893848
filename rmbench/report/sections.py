"""The tasks of one axis on the page: what all their cards say is said once, above them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rmbench.types import Card


def section(cards: Sequence[Card], panels: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The panels of an axis, each with what only its card asks and leaves open, and what is common to all of them.

    None where the axis has no task.
    """
    if not panels:
        return None
    asks, own_asks = split_common([card.asks for card in cards])
    limits, own_limits = split_common([card.limits for card in cards])
    told = zip(panels, own_asks, own_limits, strict=True)
    return {
        "asks": asks,
        "limits": limits,
        "frozen": any(panel.get("chart") for panel in panels),
        "pushed": any(panel.get("courses") for panel in panels),
        "panels": [panel | {"asks": ask, "limits": limit} for panel, ask, limit in told],
    }


def split_common(texts: Sequence[str]) -> tuple[str, list[str]]:
    """The sentences that every text holds, and each text without them; a single text keeps all of its own."""
    sentences = [re.split(r"(?<=[.?!])\s+", text.strip()) for text in texts]
    common = [one for one in sentences[0] if all(one in other for other in sentences[1:])] if len(texts) > 1 else []
    return " ".join(common), [" ".join(one for one in own if one not in common) for own in sentences]
