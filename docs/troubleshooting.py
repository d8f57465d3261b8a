"""Writes troubleshooting.md from the catalogue of troubles: ``python docs/troubleshooting.py``. A test holds them equal."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from bridge.scope.troubles import CATALOGUE, Trouble

HEAD = """\
# When something is wrong

Written by `python docs/troubleshooting.py` from `bridge/scope/troubles.py`; do not edit.

The status page, `scope-bridge status` and the log say what is wrong with the Scope server in one sentence, and what to do.
`scope-bridge doctor` walks the same way from the outside, a verdict a line, without a running daemon and without touching
the server; `doctor --load` also loads the pipeline, `doctor --connect` also makes a session and waits for its first frame.

Each trouble has a code: it stands in `problems` of `/api/v1/status` and in `doctor --json`. What is in {braces} is filled
in. Nothing of this stops the outputs: they hold the last picture, then fade to the slate.
"""


def page() -> str:
    """The whole page."""
    chapters = groupby(CATALOGUE.values(), key=lambda row: row.chapter)
    return HEAD + "".join(f"\n## {chapter}\n{''.join(_entry(row) for row in rows)}" for chapter, rows in chapters)


def _entry(row: Trouble) -> str:
    mend = row.mend or "Nothing: only you can."
    return (
        f"\n### `{row.code}`\n\n{row.message}\n\n"
        f"- **What to do**: {row.hint}\n- **What the bridge does**: {mend}\n- **Seen by**: {row.seen}.\n"
    )


if __name__ == "__main__":
    Path(__file__).with_suffix(".md").write_text(page(), encoding="utf-8")
