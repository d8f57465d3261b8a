"""From a scene to Scope's prompt entries (soundscape section 7)."""

from __future__ import annotations

__all__ = ["ACCENT_WEIGHT", "Scene", "prompts_of"]

from dataclasses import dataclass
from typing import Final

from bridge.model.desired import Prompt
from bridge.show.bands import Bands
from bridge.show.theme import Theme

ACCENT_WEIGHT: Final = 0.25


@dataclass(frozen=True, slots=True)
class Scene:
    """Which words are asked for.

    ``two_ends``: a calm and an intense entry, so that weights can move between them. ``variation`` stands in
    for the theme's base words; ``blended`` is a second prompt of weight ``blend`` beside them; ``accent`` a small
    extra entry; ``override`` a text of the performer that replaces everything.
    """

    theme: Theme
    bands: Bands = Bands()
    two_ends: bool = False
    variation: str = ""
    blended: str = ""
    blend: float = 0.0
    accent: str = ""
    override: str = ""


def prompts_of(scene: Scene, weight: float) -> tuple[Prompt, ...]:
    """The entries, weights adding up to 1; ``weight`` 0..1 is the share of the intense one."""
    if scene.override:
        return (Prompt(scene.override),)
    words = scene.theme.prompt
    head = scene.variation or words.base
    if scene.blended:
        near = (words.intense if weight >= 0.5 else words.calm) if scene.two_ends else ""
        return (
            Prompt(_compose(scene, head, near), round(1.0 - scene.blend, 2)),
            Prompt(_compose(scene, scene.blended, near), round(scene.blend, 2)),
        )
    share = 1.0 - ACCENT_WEIGHT if scene.accent else 1.0
    if scene.two_ends:
        entries = [
            Prompt(_compose(scene, head, words.calm), round(share * (1.0 - weight), 4)),
            Prompt(_compose(scene, head, words.intense), round(share * weight, 4)),
        ]
    else:
        rows = [(head, 1.0), *((other.text, other.weight) for other in words.beside)]
        total = sum(row[1] for row in rows)
        entries = [Prompt(_compose(scene, text, ""), round(share * part / total, 4)) for text, part in rows]
    if scene.accent:
        entries.append(Prompt(_compose(scene, scene.accent, ""), ACCENT_WEIGHT))
    return tuple(entries)


def _compose(scene: Scene, head: str, tail: str) -> str:
    words, bands = scene.theme.descriptors, scene.bands
    phrases = [
        head,
        getattr(words.intensity, bands.intensity),
        getattr(words.brightness, bands.brightness),
        getattr(words.texture, bands.texture),
        getattr(words.tempo, bands.tempo) if bands.tempo else "",
        tail,
        *scene.theme.prompt.modifiers,
    ]
    return ", ".join(phrase for phrase in phrases if phrase)
