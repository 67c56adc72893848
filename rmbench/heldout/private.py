"""A folder for what must not stay: outside any repository, for the user alone, and gone afterwards."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rmbench.errors import HeldOutError


@contextmanager
def private_folder(root: Path) -> Iterator[Path]:
    """A folder of mode 0700 that is removed whatever happens: an error, Ctrl-C, a plain kill or a closed terminal.

    It lies in the system's folder for temporary files (the environment variable TMPDIR; memory, where that is a tmpfs).
    Raises HeldOutError where that is below `root` or in a git checkout, and where it cannot be removed.
    """
    above = Path(tempfile.gettempdir()).resolve()
    if any(part == root.resolve() or (part / ".git").exists() for part in (above, *above.parents)):
        raise HeldOutError(
            f"temporary files would lie in {above}, inside a repository; set TMPDIR to a folder outside, best in memory"
        )
    with ending_raises():
        folder = Path(tempfile.mkdtemp(prefix="rmbench-heldout-"))
        try:
            yield folder
        finally:
            try:
                shutil.rmtree(folder)
            except OSError as error:
                raise HeldOutError(
                    f"{folder} holds secret items and could not be removed ({error.strerror}); remove it by hand"
                ) from error


@contextmanager
def ending_raises() -> Iterator[None]:
    """While this lasts, a request to end is an exception, as Ctrl-C is. Handlers are the main thread's business."""

    def stop(number: int, _: Any) -> None:
        sys.exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    usual = {name: signal.signal(getattr(signal, name), stop) for name in names}
    try:
        yield
    finally:
        for name, handler in usual.items():
            signal.signal(getattr(signal, name), handler)
