"""Plays a show on an injected clock, and the pipelines it plays on (as Scope v0.2.4 describes them)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bridge.model.beatgrid import NO_GRID, BeatGrid
from bridge.model.document import parse_document, validate
from bridge.model.errors import Issue
from bridge.model.events import BeatEvent
from bridge.model.facts import ParamSpec, PipelineSchema, ScopeFacts
from bridge.model.features import Features
from bridge.model.targets import Intent
from bridge.model.world import World
from bridge.show import Show, ShowOutput, ShowReport, ShowSettings, Theme

TICK = 1.0 / 30.0
CALM = ShowSettings(spikes=False)


def _schema(name: str, *, modes: tuple[str, ...] = ("text", "video"), **flags: object) -> PipelineSchema:
    params = (
        ParamSpec("noise_scale", "number", 0.0, 1.0, 0.7, modes=("video",)),
        ParamSpec("noise_controller", "boolean", default=True, modes=("video",)),
        ParamSpec("denoising_steps", "list", default=(1000, 750, 500, 250), load_only=True),
        ParamSpec("vace_context_scale", "number", 0.0, 2.0, 1.0, load_only=True),
        ParamSpec("manage_cache", "boolean", default=True, load_only=True),
        ParamSpec("base_seed", "integer", 0, None, 42, load_only=True),
        ParamSpec("width", "integer", 1, None, 576, load_only=True),
        ParamSpec("vae_type", "string", default="wan", choices=("wan", "lightvae"), load_only=True),
    )
    known = {"supports_vace": True, "supports_lora": True, "chunk_frames": 12} | flags
    return PipelineSchema(name, modes, modes[0], {p.name: p for p in params}, **known)  # type: ignore[arg-type]


LONGLIVE = _schema("longlive")
KREA = _schema("krea-realtime-video", supports_kv_cache_bias=True)
PASSTHROUGH = PipelineSchema(
    "passthrough",
    ("video",),
    "video",
    {"noise_scale": ParamSpec("noise_scale", "number", 0.0, 1.0)},
    supports_prompts=False,
)
PLUGIN = PipelineSchema(
    "glow-plugin",
    ("text",),
    "text",
    {
        "glow": ParamSpec("glow", "number", -1.0, 3.0, 0.0),
        "rings": ParamSpec("rings", "integer", 1, 9, 3),
        "look": ParamSpec("look", "string", default="soft", choices=("soft", "hard", "none")),
        "mirror": ParamSpec("mirror", "boolean", default=False),
        "model_size": ParamSpec("model_size", "integer", 1, 4, 1, load_only=True),
    },
)

TEXT = ScopeFacts(state="live", pipeline="longlive", mode="text", schema=LONGLIVE)
VIDEO = replace(TEXT, mode="video")

THEME = """
version = 1
name = "Test Card"
denoising = "balanced"
[prompt]
base = "a lamp"
modifiers = ["on film"]
calm = "asleep"
intense = "awake"
[descriptors.intensity]
low = "low"
medium = "medium"
high = "high"
peak = "peak"
[descriptors.brightness]
dark = "dark"
radiant = "radiant"
[descriptors.tempo]
drive = "drive"
[ranges]
noise_scale = [0.4, 0.8]
prompt_weight = [0.0, 1.0]
transition_s = [4.0, 4.0]
"fx/zoom" = [0.0, 0.5]
[[reactions]]
signal = "energy"
parameter = "noise_scale"
[beats]
action = "pulse_noise"
intensity = 0.5
cooldown_ms = 200
pulse = 0.6
[[variations]]
trigger = "energy_spike"
prompts = ["first spike", "second spike"]
blend_s = 3.2
[text]
drives = ["prompt_weight", "transition_s", "fx/zoom"]
instead_of_noise = ["prompt_weight", "fx/zoom"]
[video]
drives = ["noise_scale", "transition_s"]
"""


def theme_of(text: str = THEME, *, slug: str = "card", **more: str) -> Theme:
    """A theme from TOML text; ``more`` replaces text in it."""
    for old, new in more.items():
        text = text.replace(old, new)
    return validate(Theme, parse_document(text, f"{slug}.toml")).model_copy(update={"id": slug})


OTHER = theme_of(slug="other").model_copy(
    update={"name": "Other", "prompt": theme_of().prompt.model_copy(update={"base": "a mountain"})}
)


class Player:
    """A show with a clock of its own: ``play`` runs it, ``set`` and the like act on it."""

    def __init__(
        self,
        settings: ShowSettings | None = None,
        themes: Mapping[str, Theme] | None = None,
        facts: ScopeFacts = TEXT,
        grid: BeatGrid = NO_GRID,
    ) -> None:
        self.show = Show(settings or CALM, {"card": theme_of(), "other": OTHER} if themes is None else themes)
        self.facts = facts
        self.grid = grid
        self.now = 100.0
        self.features = Features(t=self.now, energy=0.0, brightness=0.5, gated=False)
        self.beats = 0
        self.trace: list[str] = []
        self._seen: list[object] = []
        self.out = self.show.tick(self.world, self.now)

    @property
    def world(self) -> World:
        return World(self.features, self.grid, self.facts)

    def play(
        self, seconds: float, watch: Callable[[ShowOutput], object] | None = None, **features: object
    ) -> ShowOutput:
        """Tick for a while with these features; ``watch`` values go to ``trace`` with their time when they change."""
        until = self.now + seconds
        while self.now < until - 1e-9:
            self.now += TICK
            self.features = replace(self.features, t=self.now, **features)  # type: ignore[arg-type]
            self.out = self.show.tick(self.world, self.now)
            if watch is not None and (seen := watch(self.out)) not in self._seen[-1:]:
                self._seen.append(seen)
                self.trace.append(f"{self.now - 100.0:5.1f} {seen}")
        return self.out

    def beat(self, *, in_bar: int | None = None, bpm: float = 120.0) -> None:
        event = BeatEvent(
            self.now, self.beats, self.beats // 4, self.beats % 4 if in_bar is None else in_bar, bpm, "midi_clock"
        )
        self.beats += 1
        self.show.on_local_beat(event, self.world, self.now)
        self.show.on_beat(event, self.world, self.now)

    def intent(
        self, target: str, kind: str = "set", value: object = None, *, normalised: bool = False, tick: bool = True
    ) -> Issue | None:
        intent = Intent(self.now, target, kind, value, normalised, "test")  # type: ignore[arg-type]
        issue = self.show.apply(intent, self.world, self.now)
        if tick:
            self.play(TICK)
        return issue

    def set(self, target: str, value: object, *, normalised: bool = False) -> Issue | None:
        return self.intent(target, "set", value, normalised=normalised)

    def trigger(self, target: str, value: object = None) -> Issue | None:
        return self.intent(target, "trigger", value)

    def release(self, target: str) -> Issue | None:
        return self.intent(target, "release")

    @property
    def params(self) -> Mapping[str, object]:
        return self.out.desired.params

    @property
    def texts(self) -> tuple[str, ...]:
        assert self.out.desired.prompts is not None
        return tuple(prompt.text for prompt in self.out.desired.prompts.prompts)

    @property
    def weights(self) -> tuple[float, ...]:
        assert self.out.desired.prompts is not None
        return tuple(prompt.weight for prompt in self.out.desired.prompts.prompts)

    @property
    def plan_id(self) -> int:
        assert self.out.desired.prompts is not None
        return self.out.desired.prompts.id

    @property
    def report(self) -> ShowReport:
        return self.show.report(self.world)
