"""Every error that rmbench raises on purpose.

    RmbenchError                 catch this one to catch them all; the command line exits with 2
    ├── UsageError               an unknown model, task, suite or flag value
    ├── TaskError                a card or an item that does not hold what it promises
    ├── ModelError               a reward model that cannot be loaded or asked
    │   └── TooLongError         a conversation that does not fit the model's window
    ├── RunError                 a run folder that is missing, damaged or from other tasks
    ├── DataError                a table of a person's own scores that cannot be read or does not hold what it should
    ├── SubmissionError          a leaderboard entry, or another file from outside, that cannot be accepted
    ├── LedgerError              a ledger whose chain or signatures do not hold
    └── HeldOutError             a season of held-out tasks that is damaged, closed, or may not be asked again yet

Each message is one sentence: what is wrong, where, and the way out.
"""


class RmbenchError(Exception):
    """The root of the tree above."""


class UsageError(RmbenchError):
    """An unknown model, task, suite or option value."""


class TaskError(RmbenchError):
    """A task card or item that breaks its own promise."""


class ModelError(RmbenchError):
    """A reward model that cannot be loaded or cannot score. `problem` is the name that `rmbench doctor` gives it."""

    def __init__(self, message: str, problem: str = "model") -> None:
        super().__init__(message)
        self.problem = problem


class TooLongError(ModelError):
    """A conversation that is longer than the model's window."""

    def __init__(self, message: str) -> None:
        super().__init__(message, problem="too-long")


class RunError(RmbenchError):
    """A run folder that cannot be read, or that belongs to other tasks."""


class DataError(RmbenchError):
    """A table of a person's own scores that cannot be read, or that does not hold what it should."""


class SubmissionError(RmbenchError):
    """A leaderboard entry that cannot be accepted, or a file from outside that no honest one looks like."""


class LedgerError(RmbenchError):
    """A ledger that was changed after the fact, or a line that may not be added to it."""


class HeldOutError(RmbenchError):
    """A season of held-out tasks that cannot be opened, does not fit its commitment, or may not be asked yet."""
