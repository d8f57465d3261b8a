"""Prompts against the rehearsal server's prompt blocks: every row of the table that a sender can get wrong."""

import pytest

from bridge.model.desired import DesiredState, Prompt, PromptPlan
from bridge.scope import Pacer
from bridge.scope.prompting import PromptLine
from tests.scope.model import Outcome, play

FOX, BEAR, OWL = "fox", "bear", "owl"


def plan(number: int, seconds: float = 0.0, **weights: float) -> PromptPlan:
    return PromptPlan(number, tuple(Prompt(text, weight) for text, weight in weights.items()), seconds)


def run(*changes: tuple[float, PromptPlan], chunks: int = 40) -> Outcome:
    start = (0.0, DesiredState(prompts=plan(1, fox=1.0)))
    return play(Pacer(), [start, *((t, DesiredState(prompts=wanted)) for t, wanted in changes)], [0.8] * chunks)


def share(outcome: Outcome, text: str) -> list[float]:
    return [round(dict(mixture).get(text, 0.0), 3) for mixture in outcome.conditioning]


def test_a_transition_arrives_in_its_steps() -> None:
    outcome = run((4.0, plan(2, 4.0, bear=1.0)))
    bear = share(outcome, BEAR)
    rising = [value for value in bear if 0 < value < 1]
    assert rising == [0.25, 0.5, 0.75]
    assert bear[-1] == 1.0


def test_weights_wait_for_the_end_of_the_transition() -> None:
    outcome = run((4.0, plan(2, 8.0, bear=0.7, owl=0.3)), (6.0, plan(2, 8.0, bear=0.3, owl=0.7)))
    assert share(outcome, OWL)[-1] == 0.7
    alone = [t for t, message in outcome.sent if "prompts" in message and "transition" not in message and t > 4.0]
    assert alone and 4.0 + 8.0 < alone[0] < 4.0 + 8.0 + 5 * 0.8


def test_weights_follow_at_chunk_pace() -> None:
    outcome = run(*((4.0 + i / 60, plan(1, fox=1 - i / 300)) for i in range(1, 150)))
    assert all(message["prompts"][0]["weight"] >= 0.5 for _, message in outcome.sent)
    assert len([t for t, _ in outcome.sent if 4.0 < t < 7.0]) <= 4


def test_a_cut_is_prompts_alone_and_a_cut_in_mid_flight_the_pair() -> None:
    quiet = run((4.0, plan(2, 0.0, bear=1.0)))
    assert not any("transition" in message for _, message in quiet.sent)
    assert share(quiet, BEAR)[-1] == 1.0
    flying = run((4.0, plan(2, 8.0, bear=1.0)), (7.0, plan(3, 0.0, owl=1.0)))
    assert share(flying, OWL)[-1] == 1.0
    (cut,) = {str(m["transition"]) for _, m in flying.sent if "transition" in m and m["prompts"][0]["text"] == OWL}
    assert "'num_steps': 0" in cut


def test_a_change_of_mind_in_mid_flight_ends_at_the_last() -> None:
    outcome = run((4.0, plan(2, 6.0, bear=1.0)), (6.0, plan(3, 6.0, owl=1.0)), (8.0, plan(4, 2.0, fox=1.0)))
    assert share(outcome, FOX)[-1] == 1.0


@pytest.mark.parametrize(
    ("seconds", "steps"), [(0.1, 2), (0.8, 2), (4.0, 5), (6.4, 8), (float("nan"), None), (-1, None)]
)
def test_steps_are_chunks_and_never_one(seconds: float, steps: int | None) -> None:
    line = PromptLine()
    line.want(plan(1, fox=1.0))
    assert line.take(0.8, 0.0) == {"prompts": [{"text": FOX, "weight": 1.0}]}
    line.want(plan(2, seconds, bear=1.0))
    message = line.take(0.8, 0.0)
    assert message.get("transition", {}).get("num_steps") == steps


def test_weights_that_sum_to_nothing_become_equal() -> None:
    line = PromptLine()
    line.want(plan(1, fox=0.0, bear=-3.0))
    assert [prompt["weight"] for prompt in line.take(0.8, 0.0)["prompts"]] == [1.0, 1.0]


def test_text_that_is_no_unicode_is_cleaned() -> None:
    line = PromptLine()
    line.want(PromptPlan(1, (Prompt("a\ud800b"),)))
    assert line.take(0.8, 0.0)["prompts"][0]["text"] == "a?b"
