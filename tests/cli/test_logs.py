"""What is logged is seen, whatever libraries do to standard error meanwhile."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import argparse, logging, os
from bridge.cli.logs import set_up_logging
from bridge.settings import LogSettings
set_up_logging(LogSettings(format="%s"), argparse.Namespace(verbose=0, quiet=0))
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
logging.getLogger("bridge").warning("midi: %%s is gone", "APC \\udc80")
logging.getLogger("bridge").debug("not asked for")
"""


@pytest.mark.parametrize("form", ["human", "json"])
def test_a_library_that_hides_standard_error_hides_no_line_of_ours(form: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM % form], capture_output=True, text=True, check=True)
    (line,) = done.stderr.splitlines()
    message = json.loads(line)["message"] if form == "json" else line
    assert "midi: APC" in message
    assert message.endswith("is gone")
