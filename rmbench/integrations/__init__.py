"""rmbench inside other programs: `RewardBenchmarkCallback` for the trainers of transformers and TRL."""

from rmbench.integrations.callback import RewardBenchmarkCallback

__all__ = ["RewardBenchmarkCallback"]
