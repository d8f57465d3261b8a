"""How well beats fit the truth: F, continuity, lock times, false beats, errors.

F and continuity follow the usual definitions (F within 70 ms; CMLt and AMLt within 17.5 % of the beat in phase and
period, AMLt also at double, half and off-beat), with the first five seconds of music left out.
"""

from __future__ import annotations

__all__ = ["Truth", "f_measure", "foretold", "score"]

from dataclasses import dataclass, field

import numpy as np

TOLERANCE_S = 0.07
CONTINUITY = 0.175
SKIP_S = 5.0
NEVER_S = 30.0
LOCKED_S = 4.0
GRACE_S = 2.0
INTERVALS = 8

Times = np.ndarray
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Truth:
    """``silent`` and ``unclear`` are spans in seconds; ``changes`` are the times where tempo or song change."""

    seconds: float
    beats: Times
    family: str = "generated"
    start: float | None = 0.0
    changes: tuple[float, ...] = ()
    silent: tuple[Span, ...] = field(default=())
    unclear: tuple[Span, ...] = field(default=())


def score(truth: Truth, told: Times) -> dict[str, list[float]]:
    """Every figure that this clip has something to say about; ``told`` are the times of beats.

    What is told after the end of the clip is not judged.
    """
    told = np.sort(np.asarray(told, float))
    told = told[told < truth.seconds]
    figures: dict[str, list[float]] = {}
    quiet = [(a + GRACE_S if a > 0.5 else a, b) for a, b in truth.silent]
    quiet = [(a, b) for a, b in quiet if b > a]
    if quiet:
        figures["false"] = [float(sum(((told > a) & (told < b)).sum() for a, b in quiet))]
        figures["quiet_s"] = [sum(b - a for a, b in quiet)]
    if len(truth.beats) < 4:
        return figures
    start = truth.start or 0.0
    out = (*truth.silent, *truth.unclear)
    beats, found = _outside(truth.beats, out), _outside(told, out)
    beats, found = beats[beats >= start + SKIP_S], found[found >= start + SKIP_S - TOLERANCE_S]
    figures["F"] = [f_measure(beats, found, TOLERANCE_S)]
    figures["F40"] = [f_measure(beats, found, 0.04)]
    ways = [beats, _doubled(beats), _halfway(beats), beats[::2], beats[1::2]]
    kept = [_continuity(way, found) for way in ways]
    figures["CMLt"], figures["AMLt"] = [kept[0]], [max(kept)]
    if len(found):
        errors = found[np.abs(found[None, :] - beats[:, None]).argmin(axis=1)] - beats
        errors = errors[np.abs(errors) <= TOLERANCE_S]
        if len(errors) > 3:
            figures["error_ms"] = [1000 * float(np.median(errors))]
            figures["error95_ms"] = [1000 * float(np.percentile(np.abs(errors), 95))]
    moments = ([] if truth.start is None else [("lock_s", start)]) + [("relock_s", t) for t in truth.changes]
    for k, (name, t) in enumerate(moments):
        end = moments[k + 1][1] if k + 1 < len(moments) else truth.seconds
        end = min([a for a, _ in truth.silent if t < a < end], default=end)
        figures.setdefault(name, []).append(min(_lock(truth.beats, told, t, end), NEVER_S))
    return figures


def foretold(times: Times, announced: Times) -> Times:
    """When a listener fires who foretells each beat from the one before and the median of the last eight intervals.

    One beat ahead and no further. Until there are two intervals, and when the next beat is announced before the
    foretold one is due, it fires as it is told; never twice within half a beat.
    """
    fired: list[float] = []
    due = np.inf
    step = 0.0
    for k, (time, now) in enumerate(zip(times.tolist(), announced.tolist(), strict=True)):
        for moment in (due, now) if due <= now else (now,):
            if not fired or moment > fired[-1] + 0.5 * step:
                fired.append(moment)
        if k >= 2:
            step = float(np.median(np.diff(times[max(k - INTERVALS, 0) : k + 1])))
        due = time + step if step else np.inf
        while due <= now:
            due += step
    if np.isfinite(due):
        fired.append(due)
    return np.array(fired)


def _outside(times: Times, spans: tuple[Span, ...]) -> Times:
    keep = np.ones(len(times), bool)
    for a, b in spans:
        keep &= (times < a) | (times > b)
    return times[keep]


def f_measure(beats: Times, found: Times, tolerance: float) -> float:
    """Each beat and each find counts once, the pairs taken in order."""
    hits = i = j = 0
    while i < len(beats) and j < len(found):
        if abs(beats[i] - found[j]) <= tolerance:
            hits, i, j = hits + 1, i + 1, j + 1
        elif beats[i] < found[j]:
            i += 1
        else:
            j += 1
    total = len(beats) + len(found)
    return 2 * hits / total if total else 0.0


def _halfway(beats: Times) -> Times:
    return (beats[:-1] + beats[1:]) / 2


def _doubled(beats: Times) -> Times:
    return np.sort(np.concatenate((beats, _halfway(beats))))


def _continuity(beats: Times, found: Times) -> float:
    """Share of the finds that follow the truth in phase and period, each true beat used once."""
    if len(beats) < 3 or len(found) < 3:
        return 0.0
    used, good = set(), 0
    for i, t in enumerate(found):
        j = int(np.abs(beats - t).argmin())
        if j in used:
            continue
        true_step = beats[j] - beats[j - 1] if j and i else beats[min(j + 1, len(beats) - 1)] - beats[j]
        step = found[i] - found[i - 1] if i and j else found[min(i + 1, len(found) - 1)] - t
        if true_step <= 0:
            continue
        if abs(t - beats[j]) / true_step < CONTINUITY and abs(1 - step / true_step) < CONTINUITY:
            used.add(j)
            good += 1
    return good / max(len(beats), len(found))


def _lock(beats: Times, told: Times, start: float, end: float) -> float:
    """Seconds from ``start`` to the first moment from which four seconds are right, at half or double tempo too."""
    told = told[(told >= start - 0.1) & (told < end + 0.1)]
    best = float("inf")
    for way in (beats, _doubled(beats), beats[::2], beats[1::2]):
        way = way[(way >= start - 0.02) & (way < end)]
        if len(way) < 4 or not len(told):
            continue
        count = max(4, int(np.ceil(LOCKED_S / np.median(np.diff(way)))))
        right = np.abs(told[None, :] - way[:, None]).min(axis=1) <= TOLERANCE_S
        for k in range(len(way) - count + 1):
            if right[k : k + count].all():
                inside = (told >= way[k] - TOLERANCE_S) & (told <= way[k + count - 1] + TOLERANCE_S)
                if inside.sum() <= count + 1:
                    best = min(best, float(way[k] - start))
                    break
    return best
