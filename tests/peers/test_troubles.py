"""Troubles with a server, made to happen on the rehearsal server: each is named, and mended where it can be."""

from collections.abc import Iterator

import pytest

from bridge.model.desired import DesiredState, Prompt, PromptPlan
from tests.scope.front import Front, front
from tests.scope.stage import Server, playing, rehearsal, until

SHOW = DesiredState(1, PromptPlan(1, (Prompt("a fox"),)), {"vace_context_scale": 0.5})


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with rehearsal() as server:
        yield server


@pytest.fixture
def server(shared: Server) -> Iterator[Server]:
    yield shared
    shared.heal()


@pytest.mark.provokes("out-of-memory")
@pytest.mark.parametrize("version", ["0.2.4", "dec2025"])
def test_a_dead_worker_gets_its_pipeline_really_loaded_again(version: str) -> None:
    """A load of what is loaded does nothing, so the dead one must be unloaded; an old server has no log to say why."""
    with rehearsal("--version", version) as server, playing(server.url, first_frame_timeout_s=0.5) as player:
        player.client.submit(SHOW)
        player.wait("live")
        server.fault("oom")
        player.met("out-of-memory" if version == "0.2.4" else "no-frames")
        player.wait("live")
        until(lambda: server.journal()["state"].get("vace_context_scale") == 0.5, "the state at the server")
        assert not set(player.problems()) - {"old-server"}
        assert player.facts.value.pipeline == "longlive"


@pytest.mark.provokes("old-server")
def test_an_old_server_is_named_while_it_plays() -> None:
    with rehearsal("--version", "dec2025") as server, playing(server.url) as player:
        player.wait("live")
        assert set(player.problems()) == {"old-server"}


@pytest.mark.provokes("too-large")
def test_a_small_gpu_is_named_before_the_load() -> None:
    with rehearsal("--vram-gb", "8") as server, playing(server.url) as player:
        player.wait("live")
        assert "8 GB" in player.problems()["too-large"]


@pytest.mark.provokes("load-timeout")
def test_a_load_without_end_is_named_with_its_stage(server: Server) -> None:
    server.load("gray")
    server.fault("slow_load", seconds=1.5)
    with playing(server.url, load_timeout_s=0.4) as player:
        assert "Loading weights" in player.met("load-timeout")
        player.wait("live")
        assert not player.problems()


@pytest.mark.provokes("unknown-pipeline")
def test_a_pipeline_that_the_server_does_not_have(server: Server) -> None:
    with playing(server.url, pipeline="longlief") as player:
        assert "longlive" in player.met("unknown-pipeline")


@pytest.mark.provokes("no-pipeline")
def test_nothing_loaded_and_nothing_configured() -> None:
    with rehearsal() as server, playing(server.url, pipeline="") as player:
        player.met("no-pipeline")
        server.load("memflow")
        player.wait("live")
        assert not player.problems()


@pytest.mark.provokes("load-failed", "unloaded")
def test_a_foreign_load_that_fails_takes_our_pipeline_with_it(server: Server) -> None:
    with playing(server.url) as player:
        player.wait("live")
        server.fault("fail_load", count=2)
        server.call("/api/v1/pipeline/load", {"pipeline_ids": ["memflow"]})
        player.met("unloaded")
        player.met("load-failed")
        player.wait("live")
        assert not player.problems()


@pytest.mark.provokes("no-input")
def test_video_mode_without_frames(server: Server) -> None:
    server.fault("stall")
    with playing(server.url, first_frame_timeout_s=0.3, input_mode="video") as player:
        player.met("no-input")


@pytest.mark.provokes("media-lost")
def test_frames_that_are_made_but_do_not_arrive(server: Server) -> None:
    server.fault("lose_packets", fraction=1.0)
    with playing(server.url, first_frame_timeout_s=0.5) as player:
        player.met("media-lost")
        server.heal()
        player.wait("live")


@pytest.mark.provokes("restarted")
def test_a_restart_is_named(server: Server) -> None:
    # The session dies without a word too: the stall must not be quicker than the question after the server's age.
    with playing(server.url, stall_s=5.0, lost_s=9.0, poll_s=0.1) as player:
        player.wait("live")
        server.fault("restart")
        player.met("restarted")
        player.wait("live")
        assert not player.problems()


@pytest.mark.provokes("queue-full")
def test_parameters_that_others_send_too_fast(server: Server) -> None:
    with playing(server.url) as player:
        player.wait("live")
        server.fault("stall", seconds=0.2)
        for _ in range(12):
            server.call("/api/v1/session/parameters", {"noise_scale": 0.5})
        player.met("queue-full")
        player.wait("live")
        until(lambda: "queue-full" not in player.problems(), "the end of the flood")


@pytest.mark.provokes("other-session")
def test_another_session_on_the_gpu(server: Server) -> None:
    with playing(server.url) as first:
        first.wait("live")
        with playing(server.url) as second:
            second.met("other-session")
            assert "other-session" not in first.problems()


@pytest.mark.provokes("pinned")
def test_a_pinned_server_that_fails(server: Server) -> None:
    with playing("http://127.0.0.1:9", server.url, pinned="1") as player:
        assert "127.0.0.1:9" in player.met("pinned")
        player.client.pin(0)
        player.wait("live")
        assert not player.problems() and player.client.status().url == server.url


@pytest.fixture
def door(server: Server) -> Iterator[Front]:
    with front(server.url) as door:
        yield door


@pytest.mark.provokes("server-silent")
@pytest.mark.parametrize("mood", ["hold", "drop"])
def test_an_http_side_that_falls_silent_leaves_the_picture_alone(server: Server, door: Front, mood: str) -> None:
    with playing(door.url, http_timeout_s=0.3) as player:
        player.wait("live")
        door.mood(mood)
        player.met("server-silent")
        frames = player.client.status().video.frames
        until(lambda: player.client.status().video.frames > frames + 20, "frames meanwhile")
        assert player.facts.value.state == "live"
        door.mood("pass")
        until(lambda: not player.problems(), "the end of it")
        assert player.client.status().reconnects == 0
