"""How scores are computed: which conversations are asked, in which batches, and what counts as a score."""

from rmbench.engine.batches import plan_batches
from rmbench.engine.scoring import Scored, score_items
from rmbench.engine.store import ScoreStore
from rmbench.engine.work import Progress

__all__ = ["Progress", "ScoreStore", "Scored", "plan_batches", "score_items"]
