"""How scores are computed: which conversations are asked, in which batches, and what counts as a score."""

from rmbench.engine.batches import plan_batches
from rmbench.engine.scoring import Progress, Scored, score_items

__all__ = ["Progress", "Scored", "plan_batches", "score_items"]
