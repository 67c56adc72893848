"""Two test processes share two cores, so each computes with one thread; with more, both slow down many times."""

import os
import shutil
import sys
from tempfile import mkdtemp

import pytest

os.environ["XDG_CACHE_HOME"] = mkdtemp(prefix="rmbench-tests-")  # no test reads the scores that a user has kept

if "PYTEST_XDIST_WORKER" in os.environ:  # before anything imports torch or numpy's libraries
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def rmbench(tmp_path, monkeypatch, capsys):
    """Call the command line in an empty folder, 80 columns wide: returns (exit code, stdout, stderr)."""
    from rmbench.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["rmbench", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture(scope="module")
def browser():
    """A Chromium without a network of its own; tests that need one are skipped where there is none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        browser.close()
