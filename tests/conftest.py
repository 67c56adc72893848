"""Two test processes share two cores, so each computes with one thread; with more, both slow down many times."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # before anything imports torch or numpy's libraries
    os.environ.setdefault("OMP_NUM_THREADS", "1")
