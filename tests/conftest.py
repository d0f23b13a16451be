"""Runs of tests are noted in a state folder of their own, not in that of whoever runs them; and the fence, which
can't be taken down again, is never put up in the process that runs the tests: what it does is tested in others."""

import os
import shutil
import sys
import tempfile

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is imported that looks."""
    folder = os.environ["FFGEN_STATE_DIR"] = tempfile.mkdtemp(prefix="ffgen-test-state-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    sys.addaudithook = lambda hook: None
