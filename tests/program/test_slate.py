"""The slate's words and its picture."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.model.facts import ScopeFacts
from bridge.program.picture import black_picture
from bridge.program.slate import Slate, SlateText, slate_text
from tests.program.pictures import split


@pytest.mark.parametrize(
    ("state", "seen", "words"),
    [
        ("offline", False, "no Scope server at studio:8000"),
        ("connecting", False, "connecting to studio:8000"),
        ("loading", False, "loading longlive on studio:8000"),
        ("live", False, "connected to studio:8000"),
        ("live", True, "no new pictures from studio:8000"),
        ("stalled", True, "studio:8000 stopped sending pictures"),
        ("failed", False, "studio:8000 could not start"),
    ],
)
def test_every_state_says_what_is_going_on_and_what_to_do(state, seen: bool, words: str) -> None:
    text = slate_text(ScopeFacts(state=state, url="http://studio:8000/", pipeline="longlive"), seen)
    assert text.state == words
    assert text.hint


@pytest.mark.parametrize("url", ["https://dj:secret@pod.example:443/x?token=secret", "http://[broken", "secret", ""])
def test_nothing_secret_of_the_url_is_shown(url: str) -> None:
    for state in ("offline", "connecting", "live"):
        text = slate_text(ScopeFacts(state=state, url=url), False)
        assert "secret" not in text.state + text.hint


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (576, 320), (64, 64), (1920, 1080)])
def test_it_is_drawn_at_every_size_and_is_never_black(size: tuple[int, int]) -> None:
    picture = Slate(*size, "Scope Bridge", talkative=True).picture(SlateText("connecting to somewhere", "wait for it"))
    y, u, _ = split(picture)
    assert y.shape == (size[1], size[0])
    assert y.mean() > 20 and y.min() >= 16 and y.max() <= 235
    assert u.mean() > 130, "blue"
    assert (y > 150).sum() > 30, "and there is a title"


def test_words_change_the_picture_and_the_same_words_do_not() -> None:
    slate = Slate(576, 320, "Scope Bridge", talkative=True)
    first = slate.picture(SlateText("one"))
    assert slate.picture(SlateText("one")) is first
    assert not np.array_equal(slate.picture(SlateText("two")), first)


def test_a_silent_slate_shows_the_title_alone() -> None:
    slate = Slate(576, 320, "DJ Somebody", talkative=False)
    assert slate.picture(SlateText("one")) is slate.picture(SlateText("two"))
    held = black_picture(576, 320) + np.uint8(60)
    caption = slate.caption(held, SlateText("stalled"), black_picture(576, 320))
    assert len(np.unique(split(caption)[0])) == 1
