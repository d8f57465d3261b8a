"""What a call makes of its parameters (scope-protocol sections 5, 6.3 and 6.6), without a server."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rehearsal.catalogue import PIPELINES, Mode
from bridge.rehearsal.pipeline import ChunkError, Pipeline, Shot
from bridge.rehearsal.session import plan_session

PROMPTS = [{"text": "slow blue waves", "weight": 1.0}]


def pipeline(name: str = "longlive", **load: Any) -> Pipeline:
    return Pipeline(PIPELINES[name], load)


def call(subject: Pipeline, mode: Mode = "text", reset: bool = False, **params: Any) -> Shot:
    return subject.call({"prompts": PROMPTS} | params, reset=reset, mode=mode, frames=subject.frames(), seconds=0.8)


def test_chunk_sizes_are_the_pipelines_own() -> None:
    long, short = pipeline(), pipeline("streamdiffusionv2")
    assert [call(long).frames for _ in range(3)] == [9, 12, 12]
    assert [call(short).frames for _ in range(2)] == [4, 4]


def test_sizes_follow_load_mode_and_settings() -> None:
    assert pipeline().size("text") == (576, 320)
    assert pipeline().size("video") == (512, 512)
    assert pipeline(width=833, height=480).size("text") == (832, 480)
    assert Pipeline(PIPELINES["longlive"], {}, size=(320, 192)).size("text") == (320, 192)
    for wrong in ({"width": "wide"}, {"height": 8}, {"width": [1]}, {"base_seed": 0.5}):
        with pytest.raises(ChunkError):
            pipeline(**wrong)


def test_noise_counts_in_video_mode_only_or_when_modulated() -> None:
    subject = pipeline()
    for text_mode in ({}, {"noise_scale": 1.0}, {"noise_scale": "garbage"}):
        assert call(subject, **text_mode).base.turbulence == 0.5
    assert call(subject, noise_scale=1.0, _modulated_noise_scale=True).base.turbulence == 1.0
    assert call(subject, "video", noise_scale=0.2).base.turbulence == pytest.approx(0.2)
    assert call(subject, "video", noise_scale=0.2, noise_controller=True).base.turbulence == 0.7
    calm, wild = call(subject, "video", noise_scale=0.1), call(subject, "video", noise_scale=0.9)
    assert wild.speed > calm.speed and wild.base.grain > calm.base.grain
    assert wild.base.guide_share < calm.base.guide_share


def test_video_through_vace_is_text_mode_to_the_noise() -> None:
    subject = pipeline()

    def steered(**params: Any) -> Shot:
        return subject.call(params, reset=False, mode="video", frames=12, seconds=0.8, via_vace=True)

    assert steered(noise_scale=0.1).base.turbulence == steered(noise_scale=0.9).base.turbulence == 0.5
    assert steered(vace_context_scale=1.5).base.guide_share > steered(vace_context_scale=0.5).base.guide_share


@pytest.mark.parametrize(
    ("name", "load", "initial", "via_vace"),
    [
        ("longlive", {}, {"input_mode": "video"}, True),
        ("longlive", {}, {"input_mode": "text"}, False),
        ("longlive", {"vace_enabled": False}, {"input_mode": "video"}, False),
        ("longlive", {}, {"input_mode": "video", "vace_use_input_video": False}, False),
        ("streamdiffusionv2", {}, {}, False),
    ],
)
def test_when_input_video_goes_through_vace(
    name: str, load: dict[str, Any], initial: dict[str, Any], via_vace: bool
) -> None:
    plan = plan_session({"pipeline_ids": [name]} | initial, {name: pipeline(name, **load)}, needs_ids=True)
    assert plan.via_vace is via_vace


def test_a_chain_is_played_by_its_generator() -> None:
    loaded = {name: pipeline(name) for name in ("video-depth-anything", "longlive", "rife")}
    plan = plan_session({"pipeline_ids": list(loaded)}, loaded, needs_ids=True)
    assert plan.node == "longlive" and plan.nodes == set(loaded)


def test_what_cuts_and_what_does_not() -> None:
    subject = pipeline()
    call(subject)
    assert not call(subject).cut
    assert call(subject, reset=True).cut
    assert call(subject, denoising_step_list=[1000, 500]).cut
    assert not call(subject, denoising_step_list=[1000, 500]).cut
    assert not call(subject, denoising_step_list=[900, 500], _modulated_step_list=True).cut
    assert not call(subject, denoising_step_list=[800, 500], manage_cache=False).cut
    assert not call(subject, denoising_step_list=[800, 500], vace_context_scale=2).cut
    other = [{"text": "another", "weight": 1.0}]
    assert not call(subject, denoising_step_list=[800, 500], prompts=other).cut
    assert call(subject, "video", denoising_step_list=[800, 500], prompts=PROMPTS).cut
    assert call(subject, denoising_step_list=[800, 500], lora_scales=[{"path": "x", "scale": 1}]).cut


def test_a_cut_changes_the_composition_and_only_then_the_seed() -> None:
    subject = pipeline()
    first = call(subject).base.composition
    assert call(subject, base_seed=99).base.composition == first
    cut = call(subject, base_seed=99, reset=True).base.composition
    assert cut != first
    again = pipeline(base_seed=99)
    assert call(again).base.composition != first


def test_references_are_one_shot_and_weighed_by_the_scale() -> None:
    subject = pipeline()
    assert call(subject, vace_context_scale=1.5).base.figure_strength == 0.0
    shown = call(subject, vace_ref_images=["/a.png"], vace_context_scale=1.5).base
    assert (shown.figure, shown.figure_strength) == ("/a.png", 1.5)
    assert call(subject, vace_context_scale=0.5).base.figure_strength == 0.5
    assert call(subject, vace_ref_images=[]).base.figure == ""
    assert call(pipeline(vace_enabled=False), vace_ref_images=["/a.png"]).base.figure == ""


def test_cache_bias_speeds_krea_up_and_nothing_else() -> None:
    krea, long = pipeline("krea-realtime-video"), pipeline()
    assert call(krea, kv_cache_attention_bias=0.1).speed > 2 * call(krea).speed
    assert call(long, kv_cache_attention_bias=0.1).speed == call(long).speed


@pytest.mark.parametrize(
    "params",
    [
        {"vace_context_scale": "loud"},
        {"vace_context_scale": float("nan")},
        {"vace_context_scale": True},
        {"denoising_step_list": "1000"},
        {"denoising_step_list": []},
        {"denoising_step_list": [1000, "x"]},
        {"vace_ref_images": "/one.png"},
        {"base_seed": 1.5},
        {"prompts": 5},
        {"transition": {"target_prompts": 5}},
    ],
)
def test_garbage_throws_every_time_and_changes_nothing(params: dict[str, Any]) -> None:
    subject = pipeline()
    before = call(subject).base.mixture
    for _ in range(2):
        with pytest.raises(ChunkError):
            call(subject, **params)
    assert call(subject).base.mixture == before


def test_the_phase_runs_on_from_call_to_call() -> None:
    subject = pipeline()
    first, second = call(subject), call(subject)
    assert first.look(0.8).phase == pytest.approx(second.base.phase)


def test_the_label_names_the_two_strongest_prompts_once_each() -> None:
    def label(*texts: str) -> str:
        return call(pipeline(), prompts=[{"text": text, "weight": 1.0} for text in texts]).base.label

    assert label("slow blue waves") == "slow blue waves"
    assert label("one two three four, calm", "one two three four, wild") == "one two three four"
    assert "  +  " in label("red", "green", "blue")
    assert (
        Pipeline(PIPELINES["longlive"], {}, label=False)
        .call({"prompts": PROMPTS}, reset=False, mode="text", frames=1, seconds=0.1)
        .base.label
        == ""
    )


def test_turns_are_first_come_first_served() -> None:
    subject, stop, order = pipeline(), threading.Event(), []
    entered = [threading.Event() for _ in range(3)]

    def worker(number: int) -> None:
        entered[number].set()
        with subject.turn(stop) as mine:
            order.append((number, mine))

    with subject.turn(stop) as mine:
        assert mine
        threads = [threading.Thread(target=worker, args=(number,)) for number in range(3)]
        for number, thread in enumerate(threads):
            thread.start()
            entered[number].wait()
            while len(subject._turns) < number + 2:
                pass
    for thread in threads:
        thread.join()
    assert order == [(0, True), (1, True), (2, True)]


def test_a_stop_ends_the_wait_for_a_turn() -> None:
    subject, stop = pipeline(), threading.Event()
    got: list[bool] = []

    def worker() -> None:
        with subject.turn(stop) as mine:
            got.append(mine)

    with subject.turn(threading.Event()):
        thread = threading.Thread(target=worker)
        thread.start()
        stop.set()
        subject.wake()
        thread.join(5)
        assert got == [False]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "weight", "num_steps", "target_prompts"]), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.sampled_from(
    [
        "prompts",
        "transition",
        "noise_scale",
        "denoising_step_list",
        "base_seed",
        "vace_context_scale",
        "vace_ref_images",
        "lora_scales",
        "kv_cache_attention_bias",
        "manage_cache",
        "prompt_interpolation_method",
        "_modulated_noise_scale",
        "unheard_of",
    ]
)


@given(st.dictionaries(names, json_values, max_size=4), st.sampled_from(["text", "video"]), st.booleans())
def test_whatever_is_sent_either_draws_or_throws_a_chunk_error(params: dict[str, Any], mode: Mode, reset: bool) -> None:
    subject = pipeline("krea-realtime-video")
    try:
        look = call(subject, mode, reset, **params).look(0.4)
    except ChunkError:
        return
    assert 0 <= look.turbulence <= 1 and 0 <= look.figure_strength <= 2 and look.phase >= 0
    assert not look.mixture or sum(share for _, share in look.mixture) == pytest.approx(1)
