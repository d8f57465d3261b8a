from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bridge.rehearsal.stage import ONE_SHOTS, QUEUE_SIZE, Stage

keys = st.sampled_from(["a", "b", "noise_scale", "prompts", "transition", *sorted(ONE_SHOTS)])
messages = st.dictionaries(keys, st.integers(0, 9), max_size=4)


class QueueAgainstModel(RuleBasedStateMachine):
    """The queue of eight, one message a call, newest dropped, merged for good."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage({"a": 0})
        self.model: list[dict[str, Any]] = []
        self.merged: dict[str, Any] = {"a": 0}
        self.dropped = 0

    @rule(message=messages)
    def send(self, message: dict[str, Any]) -> None:
        fits = len(self.model) < QUEUE_SIZE
        assert self.stage.offer(message) is fits
        if fits:
            self.model.append(message)
        else:
            self.dropped += 1

    @rule(active=st.booleans())
    def chunk(self, active: bool) -> None:
        expected = self.model.pop(0) if self.model else None
        call = self.stage.begin_call()
        assert call.message == expected
        if expected is not None:
            if "prompts" in expected and "transition" not in expected:
                self.merged.pop("transition", None)
            self.merged |= expected
        assert call.reset is bool(self.merged.get("reset_cache"))
        assert dict(call.params) == {k: v for k, v in self.merged.items() if k != "reset_cache"}
        self.merged = {k: v for k, v in self.merged.items() if k not in ONE_SHOTS}
        self.stage.end_call(call, transition_active=active)
        if not active:
            self.merged.pop("transition", None)

    @invariant()
    def agrees(self) -> None:
        assert self.stage.waiting == len(self.model) <= QUEUE_SIZE
        assert self.stage.params == self.merged
        assert self.stage.dropped == self.dropped


TestQueueAgainstModel = QueueAgainstModel.TestCase
TestQueueAgainstModel.settings = settings(max_examples=40, stateful_step_count=40)


@given(st.integers(9, 60))
def test_a_flood_loses_its_newest_and_its_last_value_never_arrives(count: int) -> None:
    stage = Stage({})
    for value in range(count):
        stage.offer({"vace_context_scale": value})
    taken = [stage.begin_call().params["vace_context_scale"] for _ in range(count)]
    assert taken == [*range(QUEUE_SIZE), *[QUEUE_SIZE - 1] * (count - QUEUE_SIZE)]
    assert stage.dropped == count - QUEUE_SIZE


def test_a_one_shot_is_there_for_one_call() -> None:
    stage = Stage({})
    stage.offer({"vace_ref_images": ["/x.png"], "lora_scales": [], "vace_context_scale": 1.5})
    assert set(stage.begin_call().params) == {"vace_ref_images", "lora_scales", "vace_context_scale"}
    assert set(stage.begin_call().params) == {"vace_context_scale"}
