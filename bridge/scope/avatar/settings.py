"""The ``[avatar]`` section of the configuration (cloud section 6, issue 3 part 8)."""

from __future__ import annotations

__all__ = ["DEFAULT", "AvatarPrompt", "AvatarSettings"]

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, model_validator

from bridge.model.document import PartSettings

DEFAULT: Final = "default"
"""The name of a reference that is given as a path."""

PictureName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$", max_length=60)]
PromptText: TypeAlias = Annotated[str, Field(min_length=1, max_length=600, pattern=r"\w")]
PicturePath: TypeAlias = Annotated[str, Field(min_length=1, max_length=4096)]


class AvatarPrompt(PartSettings):
    """One prompt of the avatar."""

    text: PromptText = Field(description="The character, its light and its style, in words.")
    weight: float = Field(
        default=1.0, ge=0.01, le=100, allow_inf_nan=False, description="Share among the prompts; only the ratio counts."
    )


class AvatarSettings(PartSettings):
    """One character, kept: a reference picture, prompts, and how strongly they hold."""

    enabled: bool = Field(default=True, description="false sets the whole section aside.")
    reference: str = Field(
        default="",
        max_length=4096,
        description="The character's picture: a png, jpg, webp or bmp file (relative to the configuration's folder), "
        'or a name from avatar.references. "" starts without one.',
    )
    references: dict[PictureName, PicturePath] = Field(
        default={},
        max_length=32,
        description="Pictures by name, which controllers may choose from. Scope holds one at a time.",
    )
    prompts: tuple[PromptText | AvatarPrompt, ...] = Field(
        default=(),
        max_length=8,
        description="The character, its light and its style: texts, or { text, weight }. Played as the theme "
        '"avatar": at first in video mode, and on every switch to it.',
    )
    scale: float = Field(
        default=1.0, ge=0, le=2, description="How strongly the reference holds (vace_context_scale), 0..2."
    )
    fit: Literal["cover", "contain"] = Field(
        default="cover",
        description='Shape of the picture: "cover" crops its edges away, "contain" keeps all of it on white.',
    )
    input_to: Literal["vace", "latents"] = Field(
        default="vace",
        description='Where the camera goes in video mode: "vace" follows its motion and keeps the character; '
        '"latents" paints over it, and noise_scale has an effect.',
    )
    refresh_s: float | None = Field(
        default=None, ge=5, description="Send the reference again every so many seconds; not at all by default."
    )

    @model_validator(mode="after")
    def _one_default(self) -> AvatarSettings:
        if DEFAULT in self.references and self.reference and self.reference not in self.references:
            raise ValueError(f'references has a picture called "{DEFAULT}", which is what a reference path is called')
        return self

    @property
    def pictures(self) -> Mapping[str, str]:
        """Every picture by name; empty while the section is set aside."""
        if not self.enabled:
            return {}
        if not self.reference or self.reference in self.references:
            return self.references
        return {DEFAULT: self.reference, **self.references}

    @property
    def weighted(self) -> tuple[AvatarPrompt, ...]:
        """The prompts, each with its weight; empty while the section is set aside."""
        if not self.enabled:
            return ()
        return tuple(AvatarPrompt(text=entry) if isinstance(entry, str) else entry for entry in self.prompts)

    @property
    def first(self) -> str:
        """The name of the picture at start, "" for none."""
        if not self.enabled or not self.reference:
            return ""
        return self.reference if self.reference in self.references else DEFAULT
