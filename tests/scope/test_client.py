"""The client against the rehearsal server over real HTTP and WebRTC: it plays, notices, mends and leaves cleanly."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from bridge.model.board import ProblemBoard
from bridge.model.cell import Cell
from bridge.model.desired import DesiredState
from bridge.model.facts import PodFacts, ScopeFacts
from bridge.model.frames import LatestSlot
from bridge.scope import ScopeClient, ScopeSettings
from tests.scope.stage import SHOW, Server, playing, rehearsal, until


def test_plays_and_leaves_cleanly(server: Server) -> None:
    with playing(server.url) as player:
        player.client.submit(SHOW)
        player.wait("live")
        frame = until(player.frames.get, "a frame")
        assert (frame.width, frame.height, frame.matrix) == (64, 48, "bt601")
        assert frame.data.shape == (72, 64) and frame.data.dtype == np.uint8 and frame.data.flags.c_contiguous
        until(lambda: player.facts.value.chunk.measured, "a measured chunk")
        facts = player.facts.value
        assert (facts.pipeline, facts.mode, facts.version) == ("longlive", "text", "0.2.4")
        assert facts.schema is not None and "noise_scale" in facts.schema.params
        player.client.submit(DesiredState(2, SHOW.prompts, {"vace_context_scale": 1.5}, SHOW.one_shots))
        until(lambda: server.journal()["state"].get("vace_context_scale") == 1.5, "the value at the server")
        assert server.journal()["conditioning"] == {"a fox": 1.0}
        status = player.client.status()
        assert status.state == "live" and status.video.frames > 0 and status.params.sent >= 1
        assert status.video.age_ms is not None and status.latency_ms is None
        assert player.states[:2] == ["connecting", "connecting"] and not player.problems()
    assert server.sessions() == 0
    assert player.facts.value.state == "offline"
    assert not any(thread.name == "media" for thread in threading.enumerate())


def test_a_restarted_server_is_found_again_with_the_whole_state(server: Server) -> None:
    with playing(server.url) as player:
        player.client.submit(SHOW)
        player.wait("live")
        server.fault("restart", down_seconds=0.5)
        until(lambda: "failed" in player.states, "the loss")
        before = server.journal()["counts"]["chunks"]
        player.wait("live")
        until(lambda: server.journal()["counts"]["chunks"] > before + 2, "chunks of the new session")
        journal = server.journal()
        assert journal["state"]["vace_context_scale"] == 0.5 and journal["conditioning"] == {"a fox": 1.0}
        assert player.client.status().reconnects == 1
        assert player.states.count("loading") >= 1 and not player.problems()


@pytest.mark.provokes("stalled")
def test_a_stall_is_named_and_heals(server: Server) -> None:
    with playing(server.url, lost_s=30.0) as player:
        player.client.submit(SHOW)
        player.wait("live")
        server.fault("stall")
        player.wait("stalled")
        assert "stalled" in until(player.problems, "a problem on the board")
        server.heal()
        player.wait("live")
        assert not player.problems() and player.client.status().reconnects == 0


@pytest.mark.provokes("no-frames")
def test_a_stall_that_stays_ends_in_a_new_session(server: Server) -> None:
    with playing(server.url, first_frame_timeout_s=0.5) as player:
        player.wait("live")
        server.fault("stall")
        player.met("no-frames")
        server.heal()
        player.wait("live")
        assert not player.problems()


@pytest.mark.provokes("stream-ended", "stalled")
@pytest.mark.parametrize("how", ["close", "vanish"])
def test_a_dropped_session_is_replaced(server: Server, how: str) -> None:
    with playing(server.url) as player:
        player.wait("live")
        server.fault("drop_session", how=how)
        player.met("stream-ended" if how == "close" else "stalled")
        until(lambda: player.client.status().reconnects == 1, "the reconnect")
        player.wait("live")
        assert server.sessions() >= 1


def test_a_refused_offer_is_tried_again(server: Server) -> None:
    server.fault("reject", what="offer", status=500, count=2)
    with playing(server.url) as player:
        assert "on purpose" in until(lambda: player.problems().get("refused"), "the server's words")
        player.wait("live")
        assert not player.problems()


@pytest.mark.provokes("offer-refused")
def test_refused_initial_parameters_go_by_the_channel(server: Server) -> None:
    server.fault("reject", what="offer", status=422, count=1)
    with playing(server.url) as player:
        player.client.submit(SHOW)
        player.wait("live")
        until(lambda: server.journal()["state"].get("vace_context_scale") == 0.5, "the state at the server")
        until(lambda: server.journal()["conditioning"] == {"a fox": 1.0}, "the prompt at the server")
        assert "offer-refused" in player.board.seen and not player.problems()


@pytest.mark.provokes("load-failed")
def test_a_load_that_fails_is_told(server: Server) -> None:
    server.load("gray")
    server.fault("fail_load", count=1)
    with playing(server.url) as player:
        assert "could not load" in until(lambda: player.problems().get("load-failed"), "the failure")
        player.wait("live")
        assert not player.problems()


def test_what_is_loaded_is_not_loaded_again(server: Server) -> None:
    with playing(server.url) as player:
        player.wait("live")
    with playing(server.url) as player:
        player.wait("live")
        assert "loading" not in player.states


@pytest.mark.provokes("foreign-pipeline")
def test_another_clients_pipeline_is_noticed(server: Server) -> None:
    with playing(server.url) as player:
        player.wait("live")
        server.load("memflow")
        assert "memflow" in player.met("foreign-pipeline")
        until(lambda: player.client.status().reconnects == 1, "the reconnect")
        player.wait("live")
        assert player.facts.value.pipeline == "longlive"


def test_whatever_is_loaded_is_taken_when_none_is_configured(server: Server) -> None:
    server.load("memflow")
    with playing(server.url, pipeline="") as player:
        player.wait("live")
        assert player.facts.value.pipeline == "memflow"


def test_video_mode_sends_black_frames_and_h264_works(server: Server) -> None:
    with playing(server.url, input_mode="video", codec="H264") as player:
        player.wait("live")
        assert player.facts.value.mode == "video"
        until(lambda: next(iter(server.call("/api/v1/session/metrics")["sessions"].values()))["frames_in"], "input")


@pytest.mark.provokes("mode")
def test_a_pipeline_without_text_mode_or_prompts(server: Server) -> None:
    with playing(server.url, pipeline="passthrough") as player:
        player.client.submit(SHOW)
        player.wait("live")
        assert player.facts.value.mode == "video" and "mode" in player.problems()
        assert "prompts" not in server.journal()["state"]


@pytest.mark.provokes("bad-value")
@pytest.mark.parametrize("known", [True, False])
def test_a_value_that_stops_the_pipeline_is_taken_back(
    server: Server, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a good value is known it is sent again; where not, a new session starts without the bad one.

    Such a value gets out only where a pipeline's schema promises more than the pipeline takes.
    """
    monkeypatch.setattr("bridge.scope.pacer.spec_for", lambda name, specs, allow_unknown=False: None)
    good = DesiredState(1, None, {"vace_context_scale": 0.5} if known else {})
    with playing(server.url, pipeline="controller-viz", chunk_frames=1, stall_s=0.2) as player:
        player.client.submit(good)
        player.wait("live")
        began = player.client.status().video.frames
        until(lambda: player.client.status().video.frames > began + 50, "frames that prove the value")
        player.client.submit(DesiredState(2, None, {"vace_context_scale": "loud"}))
        player.met("bad-value")
        until(lambda: player.states[-1] == "live", "the picture again")
        assert ("scope", "suspected of stopping the pipeline") in player.board.rejected
        assert player.client.status().reconnects == (0 if known else 1)
        assert not player.problems().keys() - {"mode"}
        assert server.journal()["state"].get("vace_context_scale") == (0.5 if known else 1.0)


def test_reconnect_on_demand(server: Server) -> None:
    with playing(server.url) as player:
        player.wait("live")
        player.client.reconnect()
        until(lambda: player.client.status().reconnects == 1, "the reconnect")
        player.wait("live")


def test_a_pod_that_does_not_run_is_named_and_not_asked_and_then_played_on_at_once(server: Server) -> None:
    stopped = PodFacts(server.url, "stopped", "The pod is stopped (EXITED).", "Start it with: scope-bridge pod start.")
    pod = Cell(stopped)
    with playing(server.url, pod=pod, retry_s=30.0, retry_max_s=30.0) as player:
        until(lambda: player.problems().get("pod") == stopped.message, "the problem")
        assert (player.facts.value.state, player.problems().keys()) == ("offline", {"pod"})
        pod.set(replace(stopped, phase="booting", message="The pod runs, Scope on it is starting."))
        until(lambda: "starting" in player.problems()["pod"], "the news")
        assert player.client.status().reconnects == 0
        pod.set(PodFacts(server.url, "ready"))
        player.wait("live")
        until(lambda: not player.problems(), "an empty board")


def test_another_server_is_played_on_while_the_pod_is_stopped(server: Server) -> None:
    pod = Cell(PodFacts("http://127.0.0.1:9", "stopped", "The pod is stopped.", "Start it."))
    with playing("http://127.0.0.1:9", server.url, pod=pod) as player:
        player.wait("live")


def test_the_december_server_works_without_schemas_or_delete() -> None:
    with rehearsal("--version", "dec2025") as server, playing(server.url) as player:
        player.client.submit(SHOW)
        player.wait("live")
        assert player.client.status().version is None
        assert player.facts.value.schema is not None
        until(lambda: server.journal()["state"].get("vace_context_scale") == 0.5, "the state at the server")


def test_the_next_server_is_used_and_addresses_are_masked(server: Server) -> None:
    with playing("http://dj:hunter2@127.0.0.1:9", server.url) as player:
        player.wait("live")
        status = player.client.status()
        assert status.url == server.url and "hunter2" not in str(status) + str(player.board.problems)


@pytest.mark.provokes("no-server")
def test_without_an_address_it_says_so_and_stops_at_once() -> None:
    with playing() as player:
        assert "No Scope server" in until(lambda: player.problems().get("no-server"), "the problem")
        assert player.facts.value.state == "offline"
        began = time.monotonic()
        player.client.submit(SHOW)
    assert time.monotonic() - began < 5.0


def test_what_was_submitted_before_the_start_counts(server: Server) -> None:
    with playing(server.url, start=False) as player:
        player.client.submit(SHOW)
        player.client.reconnect()
        player.client.start()
        player.client.start()
        player.wait("live")
        until(lambda: server.journal()["conditioning"] == {"a fox": 1.0}, "the prompt")


def test_it_starts_without_waiting_and_stops_even_at_once() -> None:
    client = ScopeClient(ScopeSettings(), facts=Cell(ScopeFacts()), frames=LatestSlot(), board=ProblemBoard())
    for _ in range(3):
        client.start()
        assert client.stop(10.0)
