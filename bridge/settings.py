"""The root of the configuration: every part's own settings, gathered."""

from __future__ import annotations

__all__ = ["LogSettings", "Settings"]

from typing import Literal

from pydantic import Field

from bridge.ears import EarsSettings
from bridge.feedback import FeedbackSettings, MidiClockOutSettings
from bridge.inputs.audio import AudioSettings
from bridge.inputs.link import LinkSettings
from bridge.inputs.midi import MidiSettings
from bridge.inputs.os2l import Os2lSettings
from bridge.inputs.osc import OscSettings
from bridge.inputs.video import VideoSettings
from bridge.mapping import MappingSettings
from bridge.model.document import PartSettings
from bridge.outputs import OutputSettings
from bridge.program import ProgramSettings
from bridge.scope import AvatarSettings, ScopeSettings
from bridge.scope.pods import PodSettings, with_pod
from bridge.show import ShowSettings
from bridge.tempo import TempoSettings
from bridge.web import WebSettings


class LogSettings(PartSettings):
    """Logging, to standard error (journald keeps it under systemd)."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least important line to print.")
    format: Literal["human", "json"] = Field("human", description="human, or one JSON object a line.")


class Settings(PartSettings):
    """Scope Bridge."""

    scope: ScopeSettings = Field(default_factory=ScopeSettings, description="The Daydream Scope server.")
    avatar: AvatarSettings = Field(default_factory=AvatarSettings, description="A character kept by a reference image.")
    pod: PodSettings = Field(default_factory=PodSettings, description="The rented GPU (RunPod).")
    osc: OscSettings = Field(default_factory=OscSettings, description="OSC in.")
    midi: MidiSettings = Field(default_factory=MidiSettings, description="MIDI in.")
    link: LinkSettings = Field(default_factory=LinkSettings, description="Ableton Link.")
    os2l: Os2lSettings = Field(default_factory=Os2lSettings, description="OS2L in: VirtualDJ's beat and buttons.")
    midi_clock_out: MidiClockOutSettings = Field(
        default_factory=MidiClockOutSettings, description="MIDI clock out: the one clock for other machines."
    )
    audio: AudioSettings = Field(default_factory=AudioSettings, description="Where the sound comes from.")
    video: VideoSettings = Field(default_factory=VideoSettings, description="The picture sent to Scope in video mode.")
    ears: EarsSettings = Field(default_factory=EarsSettings, description="What is heard in the sound.")
    tempo: TempoSettings = Field(default_factory=TempoSettings, description="The one clock.")
    mapping: MappingSettings = Field(default_factory=MappingSettings, description="Controls and programs to targets.")
    show: ShowSettings = Field(default_factory=ShowSettings, description="Themes and how the music moves them.")
    program: ProgramSettings = Field(default_factory=ProgramSettings, description="The composed picture.")
    outputs: OutputSettings = Field(default_factory=OutputSettings, description="NDI, virtual camera, preview.")
    feedback: FeedbackSettings = Field(default_factory=FeedbackSettings, description="State told to other programs.")
    web: WebSettings = Field(default_factory=WebSettings, description="Status page and HTTP API.")
    log: LogSettings = Field(default_factory=LogSettings, description="Logging.")

    @property
    def session(self) -> ScopeSettings:
        """The Scope section as the session uses it: "pod" is replaced by the pod's address."""
        return with_pod(self.scope, self.pod)
