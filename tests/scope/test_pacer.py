"""The pacer against a model of the server: nothing dropped, nothing lost, nothing twice, the last state reached."""

import itertools
import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.desired import DesiredState, OneShot, Prompt, PromptPlan
from bridge.model.facts import ParamSpec
from bridge.model.quantize import Due
from bridge.scope import Pacer
from bridge.scope.admit import MAX_MESSAGE
from tests.scope.model import play

FOX, BEAR = (Prompt("fox"),), (Prompt("bear"),)


def knob(value: float, revision: int = 0, **more: object) -> DesiredState:
    return DesiredState(revision=revision, params={"vace_context_scale": value}, **more)  # type: ignore[arg-type]


def live(pacer: Pacer, *, chunks: int = 4, period: float = 0.8) -> float:
    """Connect and let frames of a steady pipeline come in; returns the time after."""
    pacer.initial()
    pacer.on_connected(0.0)
    now = 0.0
    for _ in range(chunks * 12):
        now += period / 12
        pacer.on_frames(1, now)
        pacer.next_message(now)
    return now


def test_a_sparse_change_leaves_at_once_and_alone() -> None:
    pacer = Pacer()
    pacer.submit(DesiredState(params={"vace_context_scale": 0.1, "manage_cache": True}), 0.0)
    now = live(pacer)
    pacer.submit(DesiredState(params={"vace_context_scale": 0.9, "manage_cache": True}), now)
    assert pacer.due_at(now) == now
    assert pacer.next_message(now) == {"vace_context_scale": 0.9}
    assert pacer.next_message(now) is None


def test_golden_trace_of_a_turned_knob() -> None:
    """60 Hz for two seconds at 0.8 s a chunk: a message each 0.89 s, then the last value, then twice again."""
    pacer = Pacer()
    changes = [(4.0 + i / 60, knob(i / 120, i)) for i in range(121)]
    outcome = play(pacer, [(0.0, knob(0.0)), *changes], [0.8] * 20)
    trace = [(round(t, 2), round(message["vace_context_scale"], 2)) for t, message in outcome.sent if t >= 3.9]
    assert trace == [(4.02, 0.01), (4.91, 0.45), (5.79, 0.89), (6.68, 1.0), (7.88, 1.0), (9.08, 1.0)]
    assert outcome.deepest == 1
    assert pacer.stats.coalesced == 120 - 4


def test_a_flood_is_taken_within_a_chunk() -> None:
    changes = [(2.0 + i / 60, knob(i / 1800, i)) for i in range(1800)]
    outcome = play(Pacer(), changes, [0.8] * 50)
    submitted = {state.params["vace_context_scale"]: t for t, state in changes}
    ages = [t - submitted[message["vace_context_scale"]] for t, message in outcome.taken[:-3]]
    assert outcome.dropped == 0
    assert outcome.params["vace_context_scale"] == changes[-1][1].params["vace_context_scale"]
    assert sorted(ages)[int(len(ages) * 0.95)] <= 1.25 * 0.8


def test_the_rate_has_a_ceiling() -> None:
    pacer = Pacer(rate_hz=2.0, chunk_frames=1)
    changes = [(i / 60, knob(i / 600, i)) for i in range(600)]
    outcome = play(pacer, changes, [0.04] * 300, chunk_frames=1)
    news = [t for t, _ in outcome.sent if 1 < t < 9]
    assert all(later - earlier >= 0.499 for earlier, later in itertools.pairwise(news))


def test_nothing_leaves_while_the_pipeline_is_silent() -> None:
    pacer = Pacer()
    now = live(pacer)
    for i in range(600):
        now += 0.016
        pacer.submit(knob(i / 600, i), now)
        pacer.next_message(now)
    assert pacer.stats.sent <= 4
    pacer.on_frames(12, now)
    assert pacer.next_message(now) == {"vace_context_scale": 599 / 600}


def test_two_resets_are_two_messages() -> None:
    shots = (OneShot(1, "reset_cache", True), OneShot(2, "reset_cache", True))
    outcome = play(Pacer(), [(2.0, DesiredState(one_shots=shots))], [0.8] * 10)
    assert sum("reset_cache" in message for _, message in outcome.taken) == 2


def test_pause_does_not_wait_and_holds_the_rest() -> None:
    pacer = Pacer()
    now = live(pacer)
    pacer.submit(knob(0.5, 1), now)
    assert pacer.next_message(now) == {"vace_context_scale": 0.5}
    pacer.submit(knob(0.6, 2, paused=True), now)
    assert pacer.next_message(now) == {"paused": True}
    for _ in range(24):
        now += 0.067
        pacer.on_frames(1, now)
        assert pacer.next_message(now) is None
    pacer.submit(knob(0.7, 3), now)
    assert pacer.next_message(now) == {"paused": False, "vace_context_scale": 0.7}


def test_a_new_session_gets_everything_resets_excepted() -> None:
    pacer = Pacer()
    shots = (
        OneShot(1, "vace_ref_images", ("/a.png",), replay=True),
        OneShot(2, "vace_ref_images", ("/b.png",), replay=True),
        OneShot(3, "reset_cache", True),
    )
    pacer.submit(knob(0.5, 1, prompts=PromptPlan(1, FOX, 4.0), one_shots=shots), 0.0)
    first = pacer.initial()
    assert first == {
        "vace_context_scale": 0.5,
        "vace_ref_images": ["/b.png"],
        "prompts": [{"text": "fox", "weight": 1.0}],
    }
    pacer.on_connected(0.0)
    assert pacer.next_message(0.0) is None
    pacer.on_disconnected(1.0)
    pacer.submit(
        knob(0.6, 2, prompts=PromptPlan(2, BEAR, 4.0), one_shots=(*shots, OneShot(4, "reset_cache", True))), 2.0
    )
    again = pacer.initial()
    assert again["vace_ref_images"] == ["/b.png"] and again["vace_context_scale"] == 0.6
    assert again["prompts"] == [{"text": "bear", "weight": 1.0}]
    assert "transition" not in again and "reset_cache" not in again


def test_a_refused_initial_state_goes_by_the_channel() -> None:
    pacer = Pacer()
    pacer.submit(
        knob(0.5, 1, prompts=PromptPlan(1, FOX), one_shots=(OneShot(1, "images", ("/a.png",), replay=True),)), 0.0
    )
    pacer.initial()
    pacer.on_disconnected(0.0)
    pacer.on_connected(0.0)
    assert pacer.next_message(0.0) == {
        "vace_context_scale": 0.5,
        "images": ["/a.png"],
        "prompts": [{"text": "fox", "weight": 1.0}],
    }


@pytest.mark.parametrize(
    ("value", "reason"),
    [(math.nan, "finite"), (math.inf, "finite"), ("x" * 70_000, "kB"), (object(), "JSON"), ("\ud800", "Unicode")],
)
def test_bad_values_are_refused_and_change_nothing(value: object, reason: str) -> None:
    pacer = Pacer()
    pacer.submit(knob(0.5), 0.0)
    now = live(pacer)
    pacer.submit(DesiredState(1, params={"vace_context_scale": value}), now)
    assert pacer.next_message(now) is None
    ((told, example),) = pacer.drain_rejected()
    assert reason in told and "vace_context_scale" in example


def test_values_are_fitted_to_the_schema() -> None:
    pacer = Pacer()
    specs = {
        "noise_scale": ParamSpec("noise_scale", "number", 0.0, 1.0),
        "denoising_step_list": ParamSpec("denoising_step_list", "list"),
        "width": ParamSpec("width", "integer", load_only=True),
        "base_seed": ParamSpec("base_seed", "integer", 0),
    }
    pacer.fit(specs, chunk_frames=12, prompts=True)
    pacer.submit(
        DesiredState(
            params={"noise_scale": 7, "denoising_step_list": (250, 1000.4, 750), "width": 640, "base_seed": 3.0}
        ),
        0.0,
    )
    assert pacer.initial() == {"noise_scale": 1.0, "denoising_step_list": [1000, 750, 250], "base_seed": 3}
    assert any("only counts when the pipeline is loaded" in reason for reason, _ in pacer.drain_rejected())


def test_a_pipeline_without_prompts_gets_none() -> None:
    pacer = Pacer()
    pacer.fit({}, chunk_frames=4, prompts=False)
    pacer.submit(DesiredState(prompts=PromptPlan(1, FOX)), 0.0)
    assert pacer.initial() == {}
    assert pacer.stats.pending == 0


def test_a_value_that_broke_the_pipeline_is_taken_back_until_it_changes() -> None:
    pacer = Pacer()
    pacer.submit(knob(0.5), 0.0)
    now = live(pacer, chunks=8)
    pacer.submit(knob(0.7, 1), now)
    pacer.next_message(now)
    for _ in range(60):
        now += 0.8 / 12
        pacer.on_frames(1, now)
        pacer.next_message(now)
    pacer.submit(knob(1.9, 2), now)
    pacer.next_message(now)
    recovery = pacer.recover(blame=True)
    assert recovery is not None
    assert dict(recovery.message) == {"vace_context_scale": 0.7}
    assert dict(recovery.suspects) == {"vace_context_scale": 1.9}
    pacer.on_disconnected(now)
    pacer.submit(knob(1.9, 3), now)
    assert "vace_context_scale" not in pacer.initial()
    pacer.on_connected(now)
    pacer.submit(knob(1.8, 4), now)
    assert pacer.next_message(now) == {"vace_context_scale": 1.8}


def test_without_blame_the_state_is_sent_again_as_it_is() -> None:
    pacer = Pacer()
    pacer.submit(knob(0.5), 0.0)
    live(pacer, chunks=8)
    recovery = pacer.recover(blame=False)
    assert recovery is not None and dict(recovery.message) == {"vace_context_scale": 0.5} and not recovery.suspects


def test_huge_states_are_split_over_messages() -> None:
    changes = [(2.0, DesiredState(params={f"p{i}": "x" * 50_000 for i in range(12)}))]
    outcome = play(Pacer(), [(0.0, DesiredState()), *changes], [0.8] * 20)
    assert all(len(json.dumps(message)) <= MAX_MESSAGE for _, message in outcome.sent)
    assert set(outcome.params) == set(changes[0][1].params)


def test_measured_period_follows_the_pipeline_and_ignores_a_flush() -> None:
    pacer = Pacer()
    play(pacer, [], [0.5] * 12)
    assert pacer.chunk.measured and pacer.chunk.period_s == pytest.approx(0.5, rel=0.02)
    pacer = Pacer()
    now = live(pacer, chunks=4)
    for _ in range(18):
        now += 0.8 / 12
        pacer.on_frames(1, now)
    now += 0.8
    for _ in range(6):
        now += 0.8 / 12
        pacer.on_frames(1, now)
    assert pacer.chunk.period_s == pytest.approx(0.8, rel=0.02)


PLANS = st.lists(
    st.tuples(
        st.lists(
            st.tuples(st.sampled_from("abc"), st.floats(0, 2)), min_size=1, max_size=3, unique_by=lambda item: item[0]
        ),
        st.sampled_from([0.0, 0.5, 3.0]),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[tuple[float, DesiredState]], list[float]]:
    """States at random times: knobs, plans with cuts, transitions and weights, one-shots; and random chunk lengths."""
    plans = draw(PLANS)
    times = sorted(draw(st.lists(st.floats(0, 12), min_size=1, max_size=40)))
    pauses = draw(st.sets(st.integers(0, len(times)), max_size=3))
    identity, shot, plan, shots, states = 0, 0, None, [], []
    ahead = st.one_of(st.none(), st.floats(-1.0, 4.0))
    dues: dict[str, Due] = {}

    def due(t: float) -> Due | None:
        wait = draw(ahead)
        return None if wait is None else Due(t + wait + 1.2, 1.2, 0.5)

    paused = False
    for number, t in enumerate(times):
        if draw(st.booleans()):
            prompts, seconds, only_weights = plans[number % len(plans)]
            if only_weights and plan is not None:
                weights = draw(st.lists(st.floats(0, 2), min_size=3, max_size=3))
                plan = replace(plan, prompts=tuple(map(Prompt, (p.text for p in plan.prompts), weights)))
            else:
                identity += 1
                plan = PromptPlan(
                    identity, tuple(Prompt(text, weight) for text, weight in prompts), seconds, due=due(t)
                )
        if draw(st.integers(0, 5)) == 0:
            shot += 1
            name = draw(st.sampled_from(["reset_cache", "vace_ref_images"]))
            value = True if name == "reset_cache" else (f"/{shot}.png",)
            shots = [*shots, OneShot(shot, name, value, replay=name != "reset_cache", due=due(t))][-16:]
        paused ^= number in pauses
        params = {"x": draw(st.floats(0, 1)), "y": draw(st.integers(0, 3))}
        if (stamp := due(t)) is not None:
            dues["y"] = stamp
        states.append((t, DesiredState(number, plan, params, tuple(shots), paused, dues=dict(dues))))
    if paused:
        states.append((13.0, replace(states[-1][1], revision=len(times), paused=False)))
    lengths = draw(st.lists(st.floats(0.1, 2.5), min_size=1, max_size=6))
    count = 60 + int(30 / min(lengths))
    return states, [lengths[number % len(lengths)] for number in range(count)]


@settings(max_examples=50, deadline=None)
@given(stories(), st.sampled_from([0.0, 0.3, 3.0]))
def test_any_story_ends_in_the_desired_state(
    story: tuple[list[tuple[float, DesiredState]], list[float]], first_call: float
) -> None:
    states, lengths = story
    outcome = play(Pacer(), states, lengths, first_call=first_call)
    final = states[-1][1]
    assert outcome.dropped == 0
    assert outcome.deepest <= 5
    assert outcome.killed == 0
    assert {name: outcome.params[name] for name in final.params} == dict(final.params)
    if final.prompts is not None:
        weights = {p.text: p.weight for p in final.prompts.prompts}
        total = sum(weights.values())
        share = {t: (w / total if total > 0 else 1 / len(weights)) for t, w in weights.items()}
        reached = dict(outcome.conditioning[-1])
        assert all(reached.get(text, 0.0) == pytest.approx(part, abs=1e-6) for text, part in share.items())
        assert sum(reached.values()) == pytest.approx(1.0)
    assert carried_once([message for _, message in outcome.taken]) == asked_for(states)
    for _, message in outcome.sent:
        if "transition" in message:
            assert message["transition"]["target_prompts"] == message["prompts"]
            assert message["transition"]["num_steps"] != 1


def carried_once(messages: list[dict[str, object]]) -> list[str]:
    """Values of the one-shots that arrived, sorted; every reset must bring the reference back that it drops."""
    carried, reference = [], None
    for message in messages:
        fresh = message.get("vace_ref_images")
        if "reset_cache" in message:
            carried.append("reset")
            assert reference is None or fresh is not None
        if fresh is not None and not ("reset_cache" in message and fresh == reference):
            carried.append(fresh[0])  # type: ignore[index]
        reference = fresh or reference
    return sorted(carried)


def asked_for(states: list[tuple[float, DesiredState]]) -> list[str]:
    """Values of all one-shots, sorted, without those that still waited for their boundary when a newer one came."""
    given: dict[int, tuple[float, OneShot]] = {}
    for t, state in states:
        for shot in state.one_shots:
            given.setdefault(shot.id, (t, shot))
    kept = [
        "reset" if shot.name == "reset_cache" else shot.value[0]
        for number, (_, shot) in given.items()
        if shot.due is None
        or not any(later.name == shot.name and t < shot.due.leave for n, (t, later) in given.items() if n > number)
    ]
    return sorted(kept)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["reset", "timed reset", "ref", "drop", "wait"]), st.floats(0.05, 2.0)), max_size=30
    )
)
def test_across_sessions_references_return_and_resets_do_not(steps: list[tuple[str, float]]) -> None:
    pacer, now, number, shots = Pacer(), 0.0, 0, ()
    sessions: list[list[dict[str, object]]] = [[pacer.initial()]]
    pacer.on_connected(now)
    for kind, seconds in steps:
        if kind == "drop":
            pacer.on_disconnected(now)
            sessions.append([pacer.initial()])
            pacer.on_connected(now)
        elif kind != "wait":
            number += 1
            name = "vace_ref_images" if kind == "ref" else "reset_cache"
            value = (str(number),) if kind == "ref" else True
            due = Due(now + 4.0, 1.2, 0.5) if kind == "timed reset" else None
            shots = (*shots, OneShot(number, name, value, replay=kind == "ref", due=due))[-16:]
            pacer.submit(DesiredState(number, one_shots=shots), now)
        for _ in range(int(seconds * 15)):
            now += 1 / 15
            pacer.on_frames(1, now)
            if (message := pacer.next_message(now)) is not None:
                sessions[-1].append(message)
    for _ in range(15 * 40):
        now += 1 / 15
        pacer.on_frames(1, now)
        if (message := pacer.next_message(now)) is not None:
            sessions[-1].append(message)
    resets = sum("reset_cache" in message for session in sessions for message in session)
    assert resets <= sum(kind in ("reset", "timed reset") for kind, _ in steps)
    references = [shot.value[0] for shot in shots if shot.name == "vace_ref_images"]
    if references:
        last = [m["vace_ref_images"][0] for m in sessions[-1] if "vace_ref_images" in m]  # type: ignore[index]
        assert last[-1] == references[-1]
    for session in sessions:
        carried_once(session)


TIMED = Due(at=9.2, lead=1.2, beat_s=0.5)


def test_a_change_waits_for_its_boundary_and_the_slot_is_free_then() -> None:
    """A knob turned all the while holds back just before, so that the cut is not a chunk late."""
    shot = OneShot(1, "reset_cache", True, due=TIMED)
    knobs = [(4.0 + i / 60, knob(i / 600, i, one_shots=(shot,))) for i in range(600)]
    pacer = Pacer()
    outcome = play(pacer, [(0.0, knob(0.0)), *knobs], [0.8] * 25)
    (left,) = [t for t, message in outcome.sent if "reset_cache" in message]
    assert left == pytest.approx(TIMED.leave, abs=0.02)
    (taken,) = [t for t, message in outcome.taken if "reset_cache" in message]
    assert taken - left <= 0.8
    status = pacer.landings.status()
    assert status.count == 1 and status.last is not None
    assert status.last["what"] == "reset_cache" and abs(status.last["residual_ms"]) < 20


@settings(max_examples=40, deadline=None)
@given(st.floats(7.0, 12.0), st.floats(0.2, 1.6), st.floats(0.0, 1.0))
def test_a_quantised_change_is_seen_in_the_nearest_chunk(at: float, period: float, shift: float) -> None:
    """With the mean latency of 1.5 chunks as the lead, nothing is further off than half a chunk and a frame."""
    due = Due(at, 1.5 * period, 0.5)
    plan = PromptPlan(2, BEAR, 0.0, due=due)
    changes = [(0.0, knob(0.0, prompts=PromptPlan(1, FOX))), (3.0, knob(0.0, 1, prompts=plan))]
    outcome = play(Pacer(), changes, [period] * int(20 / period), first_call=shift * period)
    taken = next(t for t, message in outcome.taken if message.get("prompts") == [{"text": "bear", "weight": 1.0}])
    assert abs(taken + period - at) <= period / 2.0 + period / 12.0 + 1e-6


def test_a_newer_change_of_the_kind_replaces_the_waiting_one() -> None:
    pacer = Pacer()
    now = live(pacer)
    first = OneShot(1, "vace_ref_images", ("/1.png",), due=Due(now + 3.0, 1.2, 0.5))
    second = OneShot(2, "vace_ref_images", ("/2.png",), due=Due(now + 4.0, 1.2, 0.5))
    pacer.submit(DesiredState(1, one_shots=(first,)), now)
    pacer.submit(DesiredState(2, one_shots=(first, second)), now)
    assert pacer.next_message(now) is None and pacer.stats.pending == 1
    assert pacer.due_at(now) == pytest.approx(now + 2.8)
    assert pacer.next_message(now + 2.8) == {"vace_ref_images": ["/2.png"]}


def test_a_change_whose_tempo_was_lost_goes_at_once() -> None:
    pacer = Pacer()
    pacer.submit(knob(0.5, prompts=PromptPlan(1, FOX)), 0.0)
    now = live(pacer)
    shot, plan = OneShot(1, "reset_cache", True, due=Due(now + 9, 1.2, 0.5)), PromptPlan(2, BEAR)
    timed = replace(plan, due=shot.due)
    pacer.submit(knob(0.7, 1, prompts=timed, one_shots=(shot,), dues={"vace_context_scale": shot.due}), now)
    assert pacer.next_message(now) is None
    pacer.submit(knob(0.7, 2, prompts=plan, one_shots=(replace(shot, due=None),)), now + 0.1)
    message = pacer.next_message(now + 0.1)
    assert message is not None and set(message) == {"prompts", "reset_cache", "vace_context_scale"}


def test_pausing_does_not_wait_and_what_waits_survives_it() -> None:
    pacer = Pacer()
    now = live(pacer)
    shot = OneShot(1, "reset_cache", True, due=Due(now + 4.0, 1.2, 0.5))
    pacer.submit(DesiredState(1, one_shots=(shot,), paused=True), now)
    assert pacer.next_message(now) == {"paused": True}
    pacer.submit(DesiredState(2, one_shots=(shot,)), now + 1.0)
    assert pacer.next_message(now + 1.0) == {"paused": False}


def test_a_reset_brings_the_reference_back_with_it() -> None:
    pacer = Pacer()
    reference = OneShot(1, "vace_ref_images", ("/a.png",), replay=True)
    pacer.submit(DesiredState(0, one_shots=(reference,)), 0.0)
    now = live(pacer)
    pacer.submit(DesiredState(1, one_shots=(reference, OneShot(2, "reset_cache", True))), now)
    assert pacer.next_message(now) == {"vace_ref_images": ["/a.png"], "reset_cache": True}
    cleared = OneShot(3, "vace_ref_images", (), replay=True)
    pacer.submit(DesiredState(2, one_shots=(cleared, OneShot(4, "reset_cache", True))), now + 1.0)
    pacer.on_frames(12, now + 1.0)
    assert pacer.next_message(now + 1.0) == {"vace_ref_images": [], "reset_cache": True}
    pacer.on_frames(12, now + 2.0)
    pacer.submit(DesiredState(3, one_shots=(cleared, OneShot(5, "reset_cache", True))), now + 2.0)
    assert pacer.next_message(now + 2.0) == {"reset_cache": True}
