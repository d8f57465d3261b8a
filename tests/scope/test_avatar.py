"""The avatar on a real session: uploads and messages to the byte, and what every interruption does to the reference."""

import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.desired import DesiredState, OneShot, Prompt, PromptPlan
from bridge.model.errors import ScopeRefused
from bridge.render.png import png_bytes
from bridge.scope.avatar.keeper import mend_of
from bridge.scope.avatar.portrait import decode, fitted
from bridge.scope.pacer import Pacer
from bridge.show.parameters import Parameters
from tests.scope.stage import Player, Server, playing, until

PLAN = PromptPlan(1, (Prompt("a fox"),))
SHOW = DesiredState(1, PLAN, {"base_seed": 7})


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, str]:
    files = {}
    for index, name in enumerate(("fox", "owl")):
        path = tmp_path / f"{name}.png"
        path.write_bytes(png_bytes(np.full((90, 60, 3), 40 + 100 * index, np.uint8)))
        files[name] = str(path)
    return files


class Told:
    """What the server was told since this was made."""

    def __init__(self, server: Server) -> None:
        self._server = server
        journal = server.journal()
        times = [e["t"] for key in ("offers", "uploads", "received") for e in journal[key]]
        self._since = max(times, default=0.0)

    def _new(self, kind: str) -> list[dict[str, Any]]:
        return [entry for entry in self._server.journal()[kind] if entry["t"] > self._since]

    @property
    def offers(self) -> list[dict[str, Any]]:
        return [entry["initial"] for entry in self._new("offers")]

    @property
    def uploads(self) -> list[str]:
        return [entry["name"] for entry in self._new("uploads")]

    @property
    def references(self) -> list[list[str]]:
        """Every ``vace_ref_images`` that came by the channel."""
        return [e["message"]["vace_ref_images"] for e in self._new("received") if "vace_ref_images" in e["message"]]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [entry["message"] for entry in self._new("received")]


def asset(server: Server, path: str) -> bytes:
    with urllib.request.urlopen(f"{server.url}/api/v1/assets/{Path(path).name}", timeout=5) as answer:
        return bytes(answer.read())


def codes(player: Player) -> set[tuple[str, str]]:
    return {(problem.part, problem.code) for problem in player.board.problems}


def test_the_first_session_has_it_and_the_file_is_the_fitted_picture(server, pictures):
    told = Told(server)
    with playing(server.url, avatar={"reference": pictures["owl"], "scale": 1.25}, input_mode="video") as player:
        player.client.submit(SHOW)
        player.wait("live")
        (initial,), (name,) = told.offers, told.uploads
        (path,) = initial["vace_ref_images"]
        assert initial["vace_enabled"] is True and initial["vace_use_input_video"] is True
        assert initial["vace_context_scale"] == 1.25 and initial["input_mode"] == "video"
        assert Path(path).is_absolute() and Path(path).name == name
        pixels = decode(asset(server, path))
        assert (pixels == fitted(np.full((90, 60, 3), 140, np.uint8), (64, 48), "cover")).all()
        assert server.call("/api/v1/pipeline/status")["load_params"]["vace_enabled"] is True
        status = player.client.avatar_status()
        assert (status.reference, status.held, status.active, status.problems) == ("default", "default", True, ())
        assert told.references == [] and not player.problems()


def test_another_picture_and_none_go_out_once_each(server, pictures):
    with playing(server.url, avatar={"reference": "fox", "references": pictures}) as player:
        player.client.submit(SHOW)
        player.wait("live")
        told = Told(server)
        player.client.choose_picture("owl")
        ((path,),) = until(lambda: told.references, "the other picture")
        assert Path(path).name == told.uploads[0]
        player.client.choose_picture("")
        until(lambda: len(told.references) == 2, "no picture")
        assert told.references[1] == []
        until(lambda: not player.facts.value.vace_active, "inactive")
        player.client.choose_picture("fox")
        until(lambda: player.client.avatar_status().active and len(told.references) == 3, "the first again")
        seen = server.journal()["counts"]["chunks"]
        until(lambda: server.journal()["counts"]["chunks"] > seen + 12, "repeats of the state")
        assert len(told.references) == 3 and len(told.uploads) == 1
        with pytest.raises(KeyError):
            player.client.choose_picture("/etc/passwd")
        assert player.client.avatar_status().reference == "fox"


def test_a_restarted_server_gets_the_file_again_and_a_new_session_only_the_path(server, pictures):
    with playing(server.url, avatar={"reference": pictures["fox"]}) as player:
        player.client.submit(DesiredState(1, PLAN, {}, (OneShot(1, "reset_cache", True),)))
        player.wait("live")
        told = Told(server)
        player.client.reconnect()
        until(lambda: told.offers, "a new session")
        player.wait("live")
        assert told.uploads == [] and len(told.offers[0]["vace_ref_images"]) == 1
        player.client.submit(DesiredState(2, PLAN, {}, (OneShot(2, "reset_cache", True),)))
        (cut,) = until(lambda: [m for m in told.messages if "reset_cache" in m], "the cut")
        assert cut["vace_ref_images"] == told.offers[0]["vace_ref_images"]
        server.fault("restart", down_seconds=0.2)
        until(lambda: told.uploads, "the upload")
        until(lambda: len(told.offers) == 2, "the session")
        player.wait("live")
        assert told.offers[1]["vace_ref_images"] == told.offers[0]["vace_ref_images"]
        assert sum("reset_cache" in message for message in [*told.offers, *told.messages]) == 1
        assert len(told.references) == 1


def test_a_saved_file_is_sent_again_and_a_broken_one_changes_nothing(server, pictures):
    path = Path(pictures["fox"])
    with playing(server.url, avatar={"reference": str(path)}) as player:
        player.client.submit(SHOW)
        player.wait("live")
        told = Told(server)
        path.write_bytes(b"half a picture")
        until(lambda: ("avatar", "picture") in codes(player), "the problem")
        player.client.reconnect()
        until(lambda: told.offers, "a new session")
        player.wait("live")
        assert told.offers[0]["vace_ref_images"] and told.references == []
        assert player.client.avatar_status().active and player.client.avatar_status().problems
        path.write_bytes(png_bytes(np.full((20, 20, 3), 9, np.uint8)))
        (new,) = until(lambda: told.references, "the saved picture")
        assert new != told.offers[0]["vace_ref_images"]
        until(lambda: not codes(player), "healed")


def test_a_refused_upload_is_named_does_not_stop_the_show_and_is_tried_again(server, pictures):
    server.fault("reject", what="asset", status=404)
    told = Told(server)
    with playing(server.url, avatar={"reference": pictures["fox"]}) as player:
        player.client.submit(SHOW)
        player.wait("live")
        (problem,) = until(lambda: player.client.avatar_status().problems, "the problem")
        assert problem.code == "upload" and "update Scope" in problem.hint
        assert "vace_enabled" not in told.offers[0] and not player.facts.value.vace_active
        server.heal()
        until(lambda: told.references, "the second try")
        until(lambda: player.client.avatar_status().active and not codes(player), "healed")


@pytest.mark.parametrize(("status", "mend"), [(400, "tried again"), (413, "smaller"), (405, "update Scope")])
def test_every_refusal_has_its_mend(status, mend):
    assert mend in mend_of(ScopeRefused("No.", status=status, hint="The server's log says more."))


@pytest.mark.provokes("avatar-no-vace", "avatar-vace-off")
def test_a_pipeline_without_vace_and_a_forbidden_one_are_named(server, pictures):
    cases = (
        ("avatar-no-vace", {"pipeline": "passthrough", "input_mode": "video"}),
        ("avatar-vace-off", {"load_params": {"width": 64, "height": 48, "vace_enabled": False}}),
    )
    for code, settings in cases:
        told = Told(server)
        with playing(server.url, avatar={"reference": pictures["fox"]}, **settings) as player:
            player.wait("live")
            assert codes(player) == {("scope", code)}
            assert told.uploads == [] and "vace_enabled" not in told.offers[0]


@pytest.mark.provokes("vace-idle")
def test_vace_without_pictures_is_named_before_anything_is_sent(server):
    told = Told(server)
    with playing(server.url, load_params={"width": 64, "height": 48, "vace_enabled": True}) as player:
        player.client.submit(SHOW)
        player.wait("live")
        assert "vace_enabled" not in told.offers[0] and codes(player) == {("scope", "vace-idle")}
        shot = OneShot(1, "vace_ref_images", ("/srv/fox.png",), replay=True)
        player.client.submit(DesiredState(2, PLAN, {}, (shot,)))
        until(lambda: player.facts.value.vace_active and not codes(player), "healed by a picture of the show")


def test_text_and_video_change_over_with_the_whole_state_and_without_a_load(server, pictures):
    with playing(server.url, avatar={"reference": pictures["fox"]}) as player:
        player.client.submit(SHOW)
        player.wait("live")
        told, loads = Told(server), player.states.count("loading")
        for mode in ("video", "text"):
            player.client.set_mode(mode)
            assert player.client.mode == mode
            until(lambda mode=mode: player.facts.value.mode == mode, "the mode")
            player.wait("live")
            player.client.set_mode(mode)
        assert [offer["input_mode"] for offer in told.offers] == ["video", "text"]
        assert all(offer["base_seed"] == 7 and offer["prompts"] and offer["vace_ref_images"] for offer in told.offers)
        assert player.states.count("loading") == loads and told.uploads == []
        assert server.sessions() == 1 and not codes(player)


CHANGES = st.lists(
    st.one_of(
        st.sampled_from([("fox.png",), ("owl.png",), ()]), st.sampled_from(["reset", "reconnect", "frames", "value"])
    ),
    max_size=25,
)


@given(CHANGES)
def test_whatever_happens_the_server_ends_with_the_last_wish(changes):
    """A server that forgets its reference with every reset and session, unless told with it."""
    pacer, now, held, wish, shots, resets = Pacer(chunk_frames=4), 0.0, (), (), [], 0

    def take(message: dict[str, Any] | None) -> None:
        nonlocal held, resets
        if message is not None:
            held = () if "reset_cache" in message else held
            held = tuple(message.get("vace_ref_images", held))
            resets += "reset_cache" in message

    def connect() -> None:
        nonlocal held
        held = ()
        take(pacer.initial())
        pacer.on_connected(now)

    def pass_time() -> None:
        nonlocal now
        now += 0.3
        pacer.on_frames(4, now)
        take(pacer.next_message(now))

    connect()
    for number, change in enumerate(changes, start=1):
        if isinstance(change, tuple):
            wish = change
            pacer.refer(wish, now)
        elif change == "reset":
            shots.append(OneShot(number, "reset_cache", True))
            pacer.submit(DesiredState(number, PLAN, {}, tuple(shots[-16:])), now)
        elif change == "value":
            pacer.submit(DesiredState(number, PLAN, {"base_seed": number}, tuple(shots[-16:])), now)
        elif change == "reconnect":
            pacer.on_disconnected(now)
            connect()
        else:
            pass_time()
    for _ in range(60):
        pass_time()
    assert held == wish
    assert resets <= len(shots)


@pytest.mark.parametrize(
    ("mode", "vace", "picture", "input_to", "active", "noise"),
    [
        ("text", True, True, "vace", True, False),
        ("video", False, False, "vace", False, True),
        ("video", True, False, "vace", True, False),
        ("video", True, True, "latents", True, True),
    ],
)
def test_what_is_said_of_noise_scale_is_what_the_server_does(
    server, pictures, mode, vace, picture, input_to, active, noise
):
    avatar = {"reference": pictures["fox"] if picture else "", "input_to": input_to}
    loaded = {"width": 64, "height": 48, "vace_enabled": vace}
    told = Told(server)
    with playing(server.url, avatar=avatar, input_mode=mode, load_params=loaded) as player:
        player.client.submit(SHOW)
        player.wait("live")
        facts = player.facts.value
        assert (facts.vace_active, Parameters(facts).reason("noise_scale") is None) == (active, noise)
        assert told.offers[0].get("vace_use_input_video", False) is (active and input_to == "vace")


def test_an_avatar_set_aside_does_nothing(server, pictures):
    told = Told(server)
    with playing(server.url, avatar={"enabled": False, "reference": pictures["fox"]}) as player:
        player.wait("live")
        assert told.uploads == [] and "vace_ref_images" not in told.offers[0] and not codes(player)
        assert player.client.pictures == () and player.client.avatar_status().reference == ""
