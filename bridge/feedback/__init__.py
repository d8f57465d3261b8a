"""Feedback: the bridge's state, told to the programs and controllers that play it."""

from bridge.feedback.osc_feedback import SUBSCRIBE, UNSUBSCRIBE, OscFeedback
from bridge.feedback.settings import FeedbackSettings, OscFeedbackSettings

__all__ = ["SUBSCRIBE", "UNSUBSCRIBE", "FeedbackSettings", "OscFeedback", "OscFeedbackSettings"]
