"""Feedback: the bridge's state, told to the programs and controllers that play it."""

from bridge.feedback.midi_clock_out import MidiClockOut
from bridge.feedback.osc_feedback import SUBSCRIBE, UNSUBSCRIBE, OscFeedback
from bridge.feedback.settings import FeedbackSettings, MidiClockOutSettings, OscFeedbackSettings

__all__ = [
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "FeedbackSettings",
    "MidiClockOut",
    "MidiClockOutSettings",
    "OscFeedback",
    "OscFeedbackSettings",
]
