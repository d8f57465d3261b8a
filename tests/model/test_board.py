"""The board of problems: said once, healed once, floods stay small."""

import logging

from bridge.model.board import MOST_REASONS, ProblemBoard


def test_a_problem_is_logged_when_it_comes_and_when_it_heals_never_while_it_lasts(caplog):
    board = ProblemBoard()
    with caplog.at_level(logging.INFO):
        for second in range(50):
            board.pin("midi", "gone", f"The port has been gone for {second} s.", "Plug it in.")
        board.clear("midi", "gone")
        board.clear("midi", "gone")
    assert len(caplog.records) == 2
    assert board.problems == ()


def test_the_newest_message_stands_with_the_first_time():
    board = ProblemBoard()
    board.pin("scope", "stall", "for 1 s")
    since = board.problems[0].since
    board.pin("scope", "stall", "for 2 s")
    (problem,) = board.problems
    assert problem.message == "for 2 s"
    assert problem.since == since


def test_a_part_takes_its_own_problems_down_and_no_others():
    board = ProblemBoard()
    board.pin("a", "x", "one")
    board.pin("a", "y", "two")
    board.pin("b", "x", "three")
    board.clear_part("a")
    assert [problem.part for problem in board.problems] == ["b"]


def test_rejections_are_counted_by_reason_and_logged_once(caplog):
    board = ProblemBoard()
    for _ in range(1000):
        board.reject("osc", "not OSC", "ff")
    assert board.rejected == {("osc", "not OSC"): 1000}
    assert len(caplog.records) == 1


def test_a_flood_of_different_reasons_stays_bounded(caplog):
    board = ProblemBoard()
    for number in range(5000):
        board.reject("osc", f"there is no theme {number}")
    counts = board.rejected
    assert len(counts) == MOST_REASONS + 1
    assert sum(counts.values()) == 5000
    assert len(caplog.records) == MOST_REASONS
