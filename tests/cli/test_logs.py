"""What is logged is seen, whatever libraries do to standard error meanwhile."""

import argparse
import json
import logging
import os
from collections.abc import Iterator

import pytest

from bridge.cli.logs import set_up_logging
from bridge.settings import LogSettings

GIVEN = argparse.Namespace(verbose=0, quiet=0)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_library_that_hides_standard_error_hides_no_line_of_ours(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logging(LogSettings(), GIVEN)
    before, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        logging.getLogger("bridge").warning("midi: %s is gone", "APC \ud800")
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)
    assert "WARNING midi: APC" in capfd.readouterr().err
    set_up_logging(LogSettings(format="json"), GIVEN)
    logging.getLogger("bridge").warning("second")
    assert json.loads(capfd.readouterr().err.splitlines()[-1])["message"] == "second"
