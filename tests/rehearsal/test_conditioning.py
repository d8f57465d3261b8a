"""The measured table of scope-protocol section 6.5: A is 0, B is 1, C is 2; one value per chunk.

The server computes in bfloat16 (1.4 reads 1.41), hence the tolerance.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rehearsal.conditioning import Conditioning, PromptError, blend, interpolate
from bridge.rehearsal.stage import Stage

A = [{"text": "A", "weight": 1.0}]
B = [{"text": "B", "weight": 1.0}]
C = [{"text": "C", "weight": 1.0}]
NUMBER = {"A": 0.0, "B": 1.0, "C": 2.0}


def to(target: list[dict[str, Any]], steps: int) -> dict[str, Any]:
    return {"target_prompts": target, "num_steps": steps, "temporal_interpolation_method": "linear"}


def play(messages: Iterable[dict[str, Any] | None]) -> list[float]:
    """One message (or none) per chunk, through the server's merge and the prompt blocks."""
    stage, conditioning = Stage({"prompts": A}), Conditioning()
    values = []
    for message in messages:
        if message is not None:
            assert stage.offer(message)
        call = stage.begin_call()
        conditioning.step(call.params, init_cache=call.reset)
        stage.end_call(call, transition_active=conditioning.transition_active)
        values.append(sum(NUMBER[text] * share for text, share in conditioning.value))
    return values


def rest(count: int) -> list[None]:
    return [None] * count


PAIR = {"prompts": B, "transition": to(B, 5)}
TABLE: dict[str, tuple[list[dict[str, Any] | None], list[float]]] = {
    "transition alone": (
        [None, None, {"transition": to(B, 5)}, *rest(6)],
        [0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1],
    ),
    "atomic pair once": ([None, None, PAIR, *rest(6)], [0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1]),
    "every message carries the source prompts: killed": (
        [{"prompts": A}, {"prompts": A}, {"prompts": A, "transition": to(B, 5)}, *[{"prompts": A}] * 5],
        [0] * 8,
    ),
    "pair once, then the target alone in each message: stuck": (
        [None, PAIR, *[{"prompts": B}] * 8],
        [0] * 10,
    ),
    "pair repeated in each message": ([None, *[PAIR] * 8], [0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1]),
    "only other keys while it runs": (
        [None, PAIR, *[{"vace_context_scale": n / 10} for n in range(6)]],
        [0, 0, 0.25, 0.5, 0.75, 1, 1, 1],
    ),
    "a new transition in mid-flight": (
        [{"transition": to(B, 6)}, None, {"prompts": C, "transition": to(C, 4)}, *rest(4)],
        [0, 0.2, 0.2, 0.8, 1.4, 2, 2],
    ),
    "one step: stuck at the source": ([None, {"prompts": B, "transition": to(B, 1)}, *rest(4)], [0] * 6),
    "no step: a cut": ([None, {"prompts": B, "transition": to(B, 0)}, *rest(2)], [0, 1, 1, 1]),
    "transition alone, reset later: snaps back": (
        [{"transition": to(B, 3)}, *rest(3), {"reset_cache": True}, None],
        [0, 0.5, 1, 1, 0, 0],
    ),
    "pair, reset later: stays": ([{**PAIR}, *rest(5), {"reset_cache": True}, None], [0, 0.25, 0.5, 0.75, 1, 1, 1, 1]),
    "reset in mid-transition: jumps": ([PAIR, None, {"reset_cache": True}, *rest(2)], [0, 0.25, 1, 1, 1]),
    "reset in mid-transition sent alone: jumps": (
        [{"transition": to(B, 5)}, None, {"reset_cache": True}, *rest(2)],
        [0, 0.25, 1, 1, 1],
    ),
    "a new prompt without transition cancels a running one": ([PAIR, None, {"prompts": C}, None], [0, 0.25, 2, 2]),
    "prompts alone: a cut": ([None, {"prompts": B}, None], [0, 1, 1]),
    "weights alone move the blend": (
        [
            {"prompts": [{"text": "A", "weight": 0.7}, {"text": "B", "weight": 0.3}]},
            {"prompts": [{"text": "A", "weight": 30}, {"text": "B", "weight": 70}]},
        ],
        [0.3, 0.7],
    ),
    "a pair frees what was stuck": ([PAIR, {"prompts": B}, None, PAIR, *rest(4)], [0, 0, 0, 0, 0.25, 0.5, 0.75, 1]),
}


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.replace(" ", "-"))
def test_the_measured_table(case: str) -> None:
    messages, expected = TABLE[case]
    assert play(messages) == pytest.approx(expected, abs=0.01)


def test_a_transition_leaves_the_parameters_once_it_is_done() -> None:
    stage, conditioning = Stage({"prompts": A}), Conditioning()
    stage.offer(PAIR)
    held = []
    for _ in range(6):
        call = stage.begin_call()
        conditioning.step(call.params, init_cache=call.reset)
        stage.end_call(call, transition_active=conditioning.transition_active)
        held.append("transition" in stage.params)
    assert held == [True, True, True, True, False, False]


@pytest.mark.parametrize(
    "params",
    [
        {"prompts": "a string"},
        {"prompts": [{"weight": 1}]},
        {"prompts": [{"text": "A", "weight": "loud"}]},
        {"prompts": [{"text": "A", "weight": float("nan")}]},
        {"prompts": [{"text": "A", "weight": 0}]},
        {"prompts": A, "transition": 7},
        {"prompts": A, "transition": {"target_prompts": B, "num_steps": -1}},
        {"prompts": A, "transition": {"target_prompts": B, "num_steps": 2.5}},
    ],
)
def test_garbage_throws_and_changes_nothing(params: dict[str, Any]) -> None:
    conditioning = Conditioning()
    conditioning.step({"prompts": A}, init_cache=True)
    with pytest.raises(PromptError):
        conditioning.step(params, init_cache=False)
    assert conditioning.value == blend(A)


def test_slerp_is_for_exactly_two_prompts() -> None:
    two = [{"text": "A", "weight": 1}, {"text": "B", "weight": 3}]
    assert dict(blend(two, "slerp"))["B"] != pytest.approx(0.75, abs=0.01)
    assert blend([*two, *C], "slerp") == blend([*two, *C], "linear")


weights = st.lists(st.tuples(st.sampled_from("ABC"), st.floats(0.01, 100)), min_size=1, max_size=5)


@given(weights, weights, st.floats(0, 1), st.sampled_from(["linear", "slerp"]))
def test_mixtures_stay_normalised(start: Any, end: Any, share: float, method: str) -> None:
    first, second = (blend([{"text": text, "weight": weight} for text, weight in side]) for side in (start, end))
    mixed = interpolate(first, second, share, method)
    assert sum(weight for _, weight in mixed) == pytest.approx(1)
    assert dict(interpolate(first, second, 0, method)) == pytest.approx(dict(first))
    assert dict(interpolate(first, second, 1, method)) == pytest.approx(dict(second))
