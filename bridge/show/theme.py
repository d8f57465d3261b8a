"""The theme format, version 1. ``docs/themes.md`` explains every key to people who write one."""

from __future__ import annotations

__all__ = [
    "SIGNALS",
    "BeatAction",
    "Beats",
    "Beside",
    "Change",
    "Descriptors",
    "LeverName",
    "PartName",
    "PromptWords",
    "Ranges",
    "Reaction",
    "Rest",
    "TextMode",
    "Theme",
    "Trigger",
    "Variation",
    "VideoMode",
]

from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema, field_validator, model_validator

from bridge.model.beatgrid import NO_GRID, BeatGrid
from bridge.model.document import PartSettings
from bridge.model.features import Section
from bridge.model.guide import GuideName
from bridge.model.length import Length, parse_length
from bridge.model.quantize import Quantize
from bridge.show.curves import CurveName

BeatAction: TypeAlias = Literal["none", "pulse_noise", "prompt_cycle", "transition_trigger", "cache_reset"]
Trigger: TypeAlias = Literal["energy_spike", "beat", "section"]
PartName: TypeAlias = Literal["build_up", "drop", "breakdown"]
SignalName: TypeAlias = Literal["energy", "brightness", "texture", "low", "mid", "high", "build_up"]
LeverName: TypeAlias = Literal[
    "noise_scale",
    "vace_context_scale",
    "kv_cache_attention_bias",
    "prompt_weight",
    "transition_s",
    "fx/zoom",
    "fx/hue",
    "fx/trails",
]
"""What music may move. ``prompt_weight`` is the share of the intense prompt, ``transition_s`` the length of
prompt transitions within the theme; both live here, not on the server."""

SIGNALS: Final[tuple[SignalName, ...]] = get_args(SignalName)


def _one_line(text: str) -> str:
    joined = " ".join(text.split())
    return joined.rstrip(" ,.;")


Words: TypeAlias = Annotated[str, Field(max_length=600), AfterValidator(_one_line)]
Unit: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Seconds: TypeAlias = Annotated[float, Field(ge=0.5, le=60.0, allow_inf_nan=False)]


def _usable(value: Any) -> Length:
    length = parse_length(value)
    low, high = LENGTH_LIMITS[length.unit]
    if not low <= length.count <= high:
        raise ValueError(f"a length lies between {low:g} and {high:g} {length.unit}")
    return length


def _rising_lengths(pair: tuple[Length, Length]) -> tuple[Length, Length]:
    if pair[0].unit == pair[1].unit and pair[0].count > pair[1].count:
        raise ValueError(f"the low end comes first: [{pair[1].count:g}, {pair[0].count:g}]")
    return pair


def _rising(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError(f"the low end comes first: [{pair[1]:g}, {pair[0]:g}]")
    return pair


def _needed(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


Prompt: TypeAlias = Annotated[Words, AfterValidator(_needed)]
UnitRange: TypeAlias = Annotated[tuple[Unit, Unit], AfterValidator(_rising)]
VaceRange: TypeAlias = Annotated[
    tuple[Annotated[float, Field(ge=0, le=2)], Annotated[float, Field(ge=0, le=2)]], AfterValidator(_rising)
]
BiasRange: TypeAlias = Annotated[
    tuple[Annotated[float, Field(ge=0.01, le=1)], Annotated[float, Field(ge=0.01, le=1)]], AfterValidator(_rising)
]
Span: TypeAlias = Annotated[
    Length, PlainValidator(_usable), WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}]})
]
SpanRange: TypeAlias = Annotated[tuple[Span, Span], AfterValidator(_rising_lengths)]


LENGTH_LIMITS: Final = {"s": (0.5, 60.0), "beats": (1.0, 128.0), "bars": (0.25, 32.0)}
"""Shortest and longest length by unit; what it comes to at the tempo is kept within those of seconds."""


def _in_seconds(value: float | Length, grid: BeatGrid) -> float:
    if not isinstance(value, Length):
        return float(value)
    low, high = LENGTH_LIMITS["s"]
    return min(max(value.seconds(grid), low), high)


class Beside(PartSettings):
    """Another prompt, blended with the base all the time."""

    text: Prompt = Field(description="Its words.")
    weight: float = Field(default=1.0, gt=0, le=10_000, allow_inf_nan=False, description="Its weight; the base has 1.")


class PromptWords(PartSettings):
    """The picture in words."""

    base: Prompt = Field(description="Subject, light, camera and motion: always part of the prompt.")
    modifiers: tuple[Words, ...] = Field(default=(), max_length=12, description="Style, always added.")
    calm: Words = Field(default="", description="Ending of the calm prompt entry (text mode, prompt_weight 0).")
    intense: Words = Field(default="", description="Ending of the intense prompt entry (text mode, prompt_weight 1).")
    beside: tuple[Beside, ...] = Field(
        default=(),
        max_length=8,
        description="Further prompts, blended with the base by weight; not with calm and intense.",
    )

    @model_validator(mode="after")
    def _two_ends(self) -> PromptWords:
        if bool(self.calm) != bool(self.intense):
            raise ValueError("calm and intense come as a pair: give both or neither")
        if self.beside and self.calm:
            raise ValueError(
                "beside does not go with calm and intense, whose weights the music moves: give one of them"
            )
        return self


class IntensityWords(PartSettings):
    """Words by energy."""

    low: Words = ""
    medium: Words = ""
    high: Words = ""
    peak: Words = ""


class BrightnessWords(PartSettings):
    """Words by spectral centroid."""

    dark: Words = ""
    balanced: Words = ""
    radiant: Words = ""


class TextureWords(PartSettings):
    """Words by spectral flatness."""

    smooth: Words = ""
    granular: Words = ""
    crystalline: Words = ""


class TempoWords(PartSettings):
    """Words by tempo."""

    drift: Words = ""
    drive: Words = ""
    blitz: Words = ""


class Descriptors(PartSettings):
    """One short phrase per band; an empty one adds nothing."""

    intensity: IntensityWords = IntensityWords()
    brightness: BrightnessWords = BrightnessWords()
    texture: TextureWords = TextureWords()
    tempo: TempoWords = TempoWords()


class _Levers(PartSettings):
    def of(self, lever: LeverName) -> Any:
        """The value for a lever."""
        return getattr(self, lever.replace("/", "_"))


class Ranges(_Levers):
    """How far music may move each lever."""

    noise_scale: UnitRange = Field(default=(0.48, 0.68), description="Noise, video mode, 0..1.")
    vace_context_scale: VaceRange = Field(default=(0.6, 1.4), description="Hold of the reference image, 0..2.")
    kv_cache_attention_bias: BiasRange = Field(
        default=(0.4, 1.0), description="Krea only: low values move more, 0.01..1."
    )
    prompt_weight: UnitRange = Field(default=(0.1, 0.9), description="Share of the intense prompt, 0..1.")
    transition_s: SpanRange = Field(
        default=(Length(2.5), Length(8.0)), description='Length of transitions within the theme, seconds or "8 beats".'
    )
    fx_zoom: UnitRange = Field(default=(0.0, 0.3), alias="fx/zoom", description="Local push into the picture, 0..1.")
    fx_hue: UnitRange = Field(default=(0.0, 0.1), alias="fx/hue", description="Local turn of the colours, 0..1.")
    fx_trails: UnitRange = Field(default=(0.0, 0.4), alias="fx/trails", description="Local smear over time, 0..1.")


class Rest(_Levers):
    """Where each lever rests when music moves nothing; None is the middle of its range (effects: the low end)."""

    noise_scale: Unit | None = None
    vace_context_scale: float | None = Field(default=None, ge=0, le=2)
    kv_cache_attention_bias: float | None = Field(default=None, ge=0.01, le=1)
    prompt_weight: Unit | None = None
    transition_s: Span | None = None
    fx_zoom: Unit | None = Field(default=None, alias="fx/zoom")
    fx_hue: Unit | None = Field(default=None, alias="fx/hue")
    fx_trails: Unit | None = Field(default=None, alias="fx/trails")


class Reaction(PartSettings):
    """What one signal does to one lever."""

    signal: SignalName = Field(description="energy, brightness, texture, low, mid, high or build_up.")
    parameter: LeverName = Field(description="The lever it moves.")
    curve: CurveName = Field(default="linear", description="linear, exponential, logarithmic or stepped.")
    sensitivity: float = Field(default=1.0, ge=0, le=2, description="Multiplies the signal; also its weight in a mean.")
    invert: bool = Field(default=False, description="Louder gives less.")

    @field_validator("parameter", mode="before")
    @classmethod
    def _never_a_cut(cls, value: Any) -> Any:
        if value in ("denoising_step_list", "denoising_steps"):
            raise ValueError("cannot follow music, each change is a hard cut; choose a profile with denoising = ...")
        return value


class Beats(PartSettings):
    """What a beat does."""

    action: BeatAction = Field(default="pulse_noise", description="What happens on a beat.")
    intensity: Unit = Field(default=0.5, description="How strongly, 0..1.")
    cooldown_ms: float = Field(
        default=260, ge=0, le=60_000, description="At least this long between two actions (min 260)."
    )
    pulse: Unit = Field(default=0.6, description="Local brightness pulse with every beat, 0..1.")
    effect: Literal["pulse", "zoom"] = Field(default="zoom", description="Local effect of pulse_noise in text mode.")


class Variation(PartSettings):
    """Prompts that are blended in when something happens."""

    trigger: Trigger = Field(description="energy_spike, beat or section.")
    sections: tuple[PartName, ...] = Field(
        default=(),
        description="For the trigger section: the parts of a track (build_up, drop, breakdown) that these prompts play "
        "for; with none they are small accents beside the prompt.",
    )
    prompts: tuple[Prompt, ...] = Field(min_length=1, max_length=16, description="Taken in turn.")
    blend_s: Span = Field(default=Length(3.2), description='Length of the blend, seconds or "8 beats".')

    @model_validator(mode="after")
    def _sections_have_their_trigger(self) -> Variation:
        if self.sections and self.trigger != "section":
            raise ValueError('sections goes with trigger = "section": change the trigger, or leave sections out')
        return self


class Change(PartSettings):
    """How the show comes into this theme."""

    beats: int = Field(default=8, ge=0, le=64, description="Length in beats where a tempo is known; 0: always seconds.")
    seconds: Seconds = Field(default=6.0, description="Length without a tempo.")
    length: Span | None = Field(default=None, description='Instead of both: seconds, "8 beats" or "2 bars".')
    quantize: Quantize | None = Field(
        default=None,
        description="Boundary the change is timed to: none, beat, bar, 2_bar or 4_bar; else as [show] says.",
    )


class TextMode(PartSettings):
    """What is driven in text mode, where the server ignores noise_scale."""

    drives: tuple[LeverName, ...] = Field(
        default=("prompt_weight", "transition_s", "fx/zoom"), description="Levers that music moves in text mode."
    )
    instead_of_noise: tuple[LeverName, ...] = Field(
        default=("prompt_weight", "fx/zoom"), description="Levers that follow the reactions meant for noise_scale."
    )

    @field_validator("instead_of_noise")
    @classmethod
    def _not_itself(cls, levers: tuple[LeverName, ...]) -> tuple[LeverName, ...]:
        if "noise_scale" in levers:
            raise ValueError("noise_scale has no effect in text mode; name another lever")
        return levers


class VideoMode(PartSettings):
    """What is driven when a camera or guide picture is the input."""

    drives: tuple[LeverName, ...] = Field(
        default=("noise_scale", "vace_context_scale"), description="Levers that music moves in video mode."
    )
    denoising: Literal["pipeline", "speed", "balanced", "quality"] = Field(
        default="pipeline", description="Denoising profile in video mode; pipeline sends none."
    )
    guide: GuideName = Field(
        default="tunnel",
        description="Picture that Scope paints over, where [video] of the configuration sends a guide.",
    )

    @field_validator("drives")
    @classmethod
    def _weights_cut(cls, levers: tuple[LeverName, ...]) -> tuple[LeverName, ...]:
        if "prompt_weight" in levers:
            raise ValueError("prompt_weight would cut the picture at every change in video mode; leave it to [text]")
        return levers


class Theme(PartSettings):
    """One theme file."""

    version: Literal[1] = Field(description="Format of this file.")
    id: str = Field(
        default="", pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$", description="Same as the file name without .toml."
    )
    name: str = Field(min_length=1, max_length=60, description="As shown to people.")
    description: str = Field(default="", max_length=300, description="One sentence.")
    denoising: Literal["pipeline", "speed", "balanced", "quality"] = Field(
        default="balanced", description="Denoising profile in text mode; pipeline sends none."
    )
    prompt: PromptWords = Field(description="The picture in words.")
    descriptors: Descriptors = Field(default=Descriptors(), description="Words that come and go with the music.")
    ranges: Ranges = Field(default=Ranges(), description="How far music may move each lever.")
    rest: Rest = Field(default=Rest(), description="Where each lever rests.")
    reactions: tuple[Reaction, ...] = Field(default=(), max_length=32, description="What the music moves.")
    beats: Beats = Field(default=Beats(), description="What a beat does.")
    variations: tuple[Variation, ...] = Field(default=(), max_length=8, description="Prompts that are blended in.")
    change: Change = Field(default=Change(), description="How the show comes into this theme.")
    text: TextMode = Field(default=TextMode(), description="What is driven in text mode.")
    video: VideoMode = Field(default=VideoMode(), description="What is driven in video mode.")

    @model_validator(mode="after")
    def _stand_ins_are_driven(self) -> Theme:
        idle = [lever for lever in self.text.instead_of_noise if lever not in self.text.drives]
        if idle and "instead_of_noise" in self.text.model_fields_set:
            raise ValueError(f"text.instead_of_noise names {idle[0]}, which text.drives does not: add it there")
        return self

    @model_validator(mode="after")
    def _beat_action_needs_prompts(self) -> Theme:
        if self.beats.action in ("prompt_cycle", "transition_trigger") and not self.variations:
            raise ValueError(f"the beat action {self.beats.action} needs prompts to go to: add [[variations]]")
        return self

    @model_validator(mode="after")
    def _weights_need_two_prompts(self) -> Theme:
        wanted = any(reaction.parameter == "prompt_weight" for reaction in self.reactions)
        if wanted and not self.prompt.calm:
            raise ValueError("a reaction moves prompt_weight: give prompt.calm and prompt.intense to move between")
        return self

    def variations_for(self, trigger: Trigger, section: Section | None = None) -> tuple[tuple[str, Length], ...]:
        """The (prompt, length of the blend) of a trigger, in turn; those of a ``section``, or those of none."""
        found = (v for v in self.variations if v.trigger == trigger)
        fitting = (v for v in found if (section in v.sections if section else not v.sections))
        return tuple((p, v.blend_s) for v in fitting for p in v.prompts)

    @property
    def stand_ins(self) -> tuple[LeverName, ...]:
        """What really follows the reactions meant for noise_scale in text mode."""
        usable = set(self.text.drives) - (set() if self.prompt.calm else {"prompt_weight"})
        return tuple(lever for lever in self.text.instead_of_noise if lever in usable)

    def range_of(self, lever: LeverName, grid: BeatGrid = NO_GRID) -> tuple[float, float]:
        """How far music may move a lever; lengths in seconds at the tempo of ``grid``."""
        ends = sorted(_in_seconds(end, grid) for end in self.ranges.of(lever))
        return ends[0], ends[1]

    def resting(self, lever: LeverName, grid: BeatGrid = NO_GRID) -> float:
        """Where a lever rests, inside its range."""
        low, high = self.range_of(lever, grid)
        rest = self.rest.of(lever)
        rest = None if rest is None else _in_seconds(rest, grid)
        if rest is None:
            return float(low if lever.startswith("fx/") else (low + high) / 2.0)
        return float(min(max(rest, low), high))
