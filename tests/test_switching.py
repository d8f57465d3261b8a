"""Mode and avatar by controllers: what is asked for, what is refused, and which theme comes with it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from bridge.app import App
from bridge.avatar import avatar_theme
from bridge.cli.main import main
from bridge.config import load
from bridge.model.errors import Issue
from bridge.model.events import MidiEvent, OscEvent
from bridge.model.facts import ScopeFacts
from bridge.model.targets import Intent
from bridge.model.world import World
from bridge.render.png import png_bytes
from bridge.scope import AvatarSettings
from bridge.settings import Settings
from bridge.show import Show, ShowSettings
from bridge.show.prompts import Scene, prompts_of
from bridge.switching import Switching


@dataclass
class Client:
    """Remembers what it was told, as the Scope client does."""

    mode: str = "text"
    pictures: tuple[str, ...] = ("fox", "owl")
    chosen: list[str] = field(default_factory=list)

    def set_mode(self, mode: str) -> None:
        self.mode = mode

    def choose_picture(self, name: str) -> None:
        self.chosen.append(name)


@dataclass
class House:
    client: Client
    theme: str
    switching: Switching

    def ask(self, target: str, value: object = None, *, kind: str | None = None, normalised: bool = False) -> object:
        kind = kind or ("trigger" if value is None else "set")
        intent = Intent(0.0, target, kind, value, normalised, "osc:9700")  # type: ignore[arg-type]
        assert Switching.takes(intent)
        came = self.switching.take(intent)
        if isinstance(came, Intent):
            assert came.kind == "trigger"
            self.theme = came.target.removeprefix("theme/")
        return came


@pytest.fixture
def house() -> House:
    client = Client()
    house = House(client, "neon", None)  # type: ignore[arg-type]
    house.switching = Switching(client, theme=lambda: house.theme, avatar_theme="avatar", text_theme="cosmic")
    return house


def test_one_action_goes_over_and_back_with_the_themes(house: House) -> None:
    house.ask("action/mode_toggle")
    assert (house.client.mode, house.theme) == ("video", "avatar")
    house.ask("action/mode_toggle", kind="release")
    assert house.client.mode == "video"
    house.ask("action/mode_toggle")
    assert (house.client.mode, house.theme) == ("text", "neon")


def test_a_theme_chosen_meanwhile_stays(house: House) -> None:
    house.ask("mode/video")
    house.theme = "forest"
    house.ask("mode/text")
    assert (house.client.mode, house.theme) == ("text", "forest")
    assert house.ask("mode/text") is None


def test_a_show_that_begins_in_video_mode_has_a_theme_to_go_to(house: House) -> None:
    house.client.mode, house.theme = "video", "avatar"
    house.ask("mode", "Text")
    assert (house.client.mode, house.theme) == ("text", "cosmic")


@pytest.mark.parametrize(
    ("target", "value", "mode"),
    [
        ("mode", " VIDEO ", "video"),
        ("mode/video", None, "video"),
        ("mode/video", True, "video"),
        ("mode/video", False, "text"),
    ],
)
def test_every_way_to_say_a_mode(house: House, target: str, value: object, mode: str) -> None:
    assert not isinstance(house.ask(target, value), Issue)
    assert house.client.mode == mode


@pytest.mark.parametrize(
    ("value", "normalised", "name"),
    [("owl", False, "owl"), (" Fox ", False, "fox"), (2, False, "owl"), (0.4, True, "fox"), (1.0, True, "owl")],
)
def test_every_way_to_choose_a_picture(house: House, value: object, normalised: bool, name: str) -> None:
    assert house.ask("avatar/reference", value, normalised=normalised) is None
    assert house.client.chosen == [name]
    assert house.ask(f"avatar/reference/{name}") is None
    house.ask("action/avatar_clear")
    assert house.client.chosen == [name, name, ""]


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("avatar/reference", "/etc/passwd"),
        ("avatar/reference", "../fox.png"),
        ("avatar/reference", "foks"),
        ("avatar/reference", ""),
        ("avatar/reference", 3),
        ("avatar/reference", 0),
        ("avatar/reference", float("nan")),
        ("avatar/reference", float("inf")),
        ("avatar/reference", None),
        ("avatar/reference/cat", None),
        ("avatar/other", "fox"),
        ("mode", "audio"),
        ("mode", 7),
        ("mode", None),
        ("mode/dream", None),
    ],
)
def test_what_does_not_exist_is_refused_with_a_hint_and_changes_nothing(
    house: House, target: str, value: object
) -> None:
    issue = house.ask(target, value)
    assert isinstance(issue, Issue) and issue.hint
    assert (house.client.mode, house.client.chosen, house.theme) == ("text", [], "neon")


def test_the_prompts_are_a_theme_with_their_weights() -> None:
    settings = AvatarSettings.model_validate(
        {"prompts": ["a fox in a red coat.", {"text": "oil paint", "weight": 3}], "scale": 1.8}
    )
    theme = avatar_theme(settings)
    assert theme is not None and theme.resting("vace_context_scale") == 1.8
    entries = prompts_of(Scene(theme), 0.5)
    assert [(entry.text, entry.weight) for entry in entries] == [("a fox in a red coat", 0.25), ("oil paint", 0.75)]
    assert avatar_theme(AvatarSettings()) is None
    assert avatar_theme(settings.model_copy(update={"enabled": False})) is None


@pytest.fixture
def app(tmp_path, monkeypatch):
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    mappings = tmp_path / "xdg_config_home" / "scope-bridge" / "mappings"
    mappings.mkdir(parents=True)
    (mappings / "mine.toml").write_text(
        'version = 1\n[about]\nname = "Mine"\nmatch = "Pads"\n'
        "[controls]\npad = {note = [1, 2, 3], ch = 1}\n"
        '[[map]]\nfrom = "pad.1"\nto = "action/mode_toggle"\n'
        '[[map]]\nfrom = "pad.2"\nto = "avatar/reference/owl"\n'
        '[[map]]\nfrom = "pad.3"\nto = "avatar/reference"\nvalues = ["fox", "owl"]\nmode = "step"\n'
    )
    picture = f'"{tmp_path / "x.png"}"'
    overrides = [
        'mapping.files=["mine"]',
        f"avatar.references={{fox={picture}, owl={picture}}}",
        'avatar.prompts=["a fox"]',
    ]
    app = App(load(Settings, files=[], environ={}, overrides=overrides))
    assert not app.board.problems
    return app


def test_osc_pads_and_the_page_reach_it(app) -> None:
    def osc(address: str, *args: object) -> None:
        app.conductor.on_osc(OscEvent(time.monotonic(), "127.0.0.1:9700", ("127.0.0.1", 5005), address, args))

    def pad(number: int) -> None:
        for raw in (127, 0):
            app.conductor.on_midi(
                MidiEvent(time.monotonic(), "Pads 1", "note_on" if raw else "note_off", 1, number, raw, raw / 127)
            )

    began = app.conductor.show.theme
    osc("/bridge/mode/video")
    assert (app.scope.mode, app.conductor.show.theme) == ("video", "avatar")
    osc("/bridge/action/mode_toggle", 1.0)
    assert (app.scope.mode, app.conductor.show.theme) == ("text", began)
    osc("/bridge/mode", "video")
    pad(1)
    assert app.scope.mode == "text"
    picture = lambda: app.scope.avatar_status().reference  # noqa: E731
    for ask, name in (
        (lambda: pad(2), "owl"),
        (lambda: osc("/bridge/avatar/reference", "fox"), "fox"),
        (lambda: osc("/bridge/avatar/reference", 2), "owl"),
        (lambda: osc("/bridge/avatar/clear"), ""),
        (lambda: osc("/bridge/avatar/reference/fox"), "fox"),
        (lambda: pad(3), "fox"),
        (lambda: pad(3), "owl"),
        (lambda: app.conductor.post(Intent(time.monotonic(), "action/avatar_clear", "trigger", origin="web")), ""),
    ):
        ask()
        assert picture() == name
    osc("/bridge/avatar/reference", "/etc/passwd")
    assert picture() == "" and any("no reference picture" in reason for _, reason in app.board.rejected)


def test_the_scale_stands_under_themes_that_do_not_say() -> None:
    theme = avatar_theme(AvatarSettings(prompts=("a fox",), scale=0.7))
    assert theme is not None
    quiet = theme.model_copy(update={"id": "quiet", "text": theme.text.model_copy(update={"drives": ()})})
    held = ScopeFacts(mode="text", vace_active=True)
    for facts, scale in ((held, 1.3), (ScopeFacts(mode="text"), None)):
        show = Show(ShowSettings(theme="quiet"), {"quiet": quiet}, standing={"vace_context_scale": 1.3})
        assert show.tick(World(facts=facts), 1.0).desired.params.get("vace_context_scale") == scale
    show = Show(ShowSettings(theme="quiet"), {"quiet": quiet}, standing={"vace_context_scale": 1.3})
    show.apply(Intent(1.0, "param/vace_context_scale", "set", 0.2), World(facts=held), 1.0)
    assert show.tick(World(facts=held), 1.0).desired.params["vace_context_scale"] == 0.2
    show.apply(Intent(2.0, "param/vace_context_scale", "release"), World(facts=held), 2.0)
    assert show.tick(World(facts=held), 2.0).desired.params["vace_context_scale"] == 1.3


def test_check_opens_every_picture(tmp_path, monkeypatch, capsys) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    config = tmp_path / "show.toml"
    (tmp_path / "fox.png").write_bytes(png_bytes(np.zeros((8, 8, 3), np.uint8)))
    section = '[avatar]\nreference = "fox"\n[avatar.references]\nfox = "fox.png"\n'
    config.write_text(section)
    assert main(["--config", str(config), "check", "--offline"]) == 0, capsys.readouterr().out
    config.write_text(section + 'owl = "owl.png"\n[scope.load_params]\nvace_enabled = false\n')
    assert main(["--config", str(config), "check", "--offline"]) == 78
    told = capsys.readouterr().out
    assert "owl.png cannot be read" in told and "the avatar loads VACE by itself" in told
