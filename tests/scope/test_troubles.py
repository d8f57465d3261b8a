"""The catalogue of troubles: complete, documented, and each row made to happen by a test."""

import asyncio
import importlib.util
import re
from pathlib import Path

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from bridge.model.errors import ScopeProtocolError, ScopeSessionLost
from bridge.scope.ladder import IcePlan
from bridge.scope.session import MediaSession
from bridge.scope.troubles import CATALOGUE, diagnosis

PROJECT = Path(__file__).parents[2]


def test_every_row_is_provoked_by_a_test() -> None:
    marks = (re.findall(r"mark\.provokes\(([^)]*)\)", path.read_text()) for path in PROJECT.glob("tests/**/test_*.py"))
    provoked = {code for found in marks for text in found for code in re.findall(r'"([^"]+)"', text)}
    assert provoked == set(CATALOGUE)


def test_every_row_is_whole() -> None:
    for code, row in CATALOGUE.items():
        assert code == row.code and re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert row.message.endswith((".", "{detail}")) and row.hint.endswith(".") and row.seen
        assert len(row.message) < 160 and len(row.hint) < 200


def test_the_servers_words_follow_the_hint() -> None:
    assert diagnosis("bad-value", told="x {y}").hint.endswith("Log: x {y}")


@pytest.mark.provokes("recvonly", "media-failed", "not-an-answer")
@pytest.mark.parametrize("what", ["recvonly", "media-failed", "not-an-answer"])
def test_an_answer_that_gives_no_picture(what: str) -> None:
    async def main() -> None:
        media = MediaSession(ice=IcePlan(), codec="VP8", sending=None, on_ready=lambda: None)
        peer = RTCPeerConnection()
        try:
            await peer.setRemoteDescription(RTCSessionDescription(await media.offer(), "offer"))
            peer.getTransceivers()[0].direction = "recvonly" if what == "recvonly" else "sendrecv"
            await peer.setLocalDescription(await peer.createAnswer())
            sdp = peer.localDescription.sdp
            if what == "not-an-answer":
                sdp = "v=0\r\n"
            if what == "media-failed":  # another certificate than the one that answers
                sdp = re.sub(r"(a=fingerprint:\S+ )\w\w:\w\w", r"\g<1>00:00", sdp)
            await media.accept(sdp)
            await asyncio.wait_for(media.ended(), 10)
        finally:
            await media.close()
            await peer.close()

    with pytest.raises((ScopeProtocolError, ScopeSessionLost)) as error:
        asyncio.run(main())
    assert error.value.code == what


def test_the_page_is_the_catalogue() -> None:
    spec = importlib.util.spec_from_file_location("troubleshooting", PROJECT / "docs" / "troubleshooting.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (PROJECT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    assert page == module.page(), "write it again: python docs/troubleshooting.py"
    assert all(f"### `{code}`" in page for code in CATALOGUE)
