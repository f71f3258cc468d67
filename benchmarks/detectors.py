"""What the detectors find: `python benchmarks/detectors.py --raw_dir=RAW`.

Looks for faces and persons in clips of UT-Interaction (`RAW`), as they were
filmed and as clips at the paper's and the tiny scale show them. The clips have
no labels for them, so what is detected with certainty in the filmed frames
counts as known. Then times each baseline. Writes
`benchmarks/results/detectors.md`.
"""

import argparse
import os
import pathlib
import sys
import time
from typing import NamedTuple

import machine
import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "detectors.md"
FILMED, PAPER = "as filmed", "112x112, the paper's crop"
SURE = {"face": 0.5, "body": 0.7}  # scores
sys.path.insert(0, str(ROOT))


class View(NamedTuple):
    """A clip at one scale."""

    frames: np.ndarray
    scale: float  # relative to the filmed frames
    shift: tuple  # pixels, x and y, after scaling

    def place(self, boxes):
        """Maps boxes in filmed frames to this view, cut at its edges."""
        height, width = self.frames.shape[1:3]
        moved = boxes * self.scale + np.tile(self.shift, 2)
        return moved.clip(0, np.tile([width, height], 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw_dir", type=pathlib.Path, required=True)
    parser.add_argument("--every", type=int, default=12, help="clips")
    parser.add_argument("--frames", type=int, default=30, help="of each")
    args = parser.parse_args()
    clips = sorted(args.raw_dir.glob("**/*.avi"))[:: args.every]
    found = [
        row
        for part in ("face", "body")
        for row in measured(part, clips, args.frames)
    ]
    RESULTS.write_text("\n".join(report(args, clips, found, timed(clips[0]))))
    print(RESULTS.read_text())


def measured(part, clips, count):
    """Yields the rows of the table for faces or for bodies."""
    from priv_keras.baselines import obfuscate

    sure = obfuscate.DETECTORS[part](score=SURE[part])
    detector = obfuscate.DETECTORS[part]()
    sums = {}
    for clip in clips:
        each = views(clip, count)
        known = sure(each[FILMED].frames)
        for name, view in each.items():
            sums.setdefault(name, []).append(look(part, detector, view, known))
    for name, looks in sums.items():
        columns = [
            np.concatenate(column) for column in zip(*looks, strict=True)
        ]
        yield part, name, [column.mean() for column in columns], len(columns[1])


def views(path, count):
    """Returns the views of one clip: as filmed, and at both scales."""
    import av

    from tfrecords_tools import decode

    with av.open(str(path)) as container:
        size = (
            container.streams.video[0].width,
            container.streams.video[0].height,
        )
    filmed = decode.frames(path, size)[:count]
    left, top = (640 - size[0]) // 2, (480 - size[1]) // 2
    margin = ((top, 480 - size[1] - top), (left, 640 - size[0] - left))
    wide = np.pad(filmed, ((0, 0), *margin, (0, 0)), mode="edge")
    found = {
        FILMED: View(filmed, 1, (0, 0)),
        "640x480, as filmed amid its repeated border": View(
            wide, 1, (left, top)
        ),
    }
    for name, small, crop in (
        ("160x120, a whole frame", (160, 120), (160, 120)),
        (PAPER, (160, 120), (112, 112)),
        ("48x48, the tiny crop", (54, 50), (48, 48)),
    ):
        scale = min(small[0] / size[0], small[1] / size[1])
        left, top = ((s - c) // 2 for s, c in zip(small, crop, strict=True))
        shift = (
            (small[0] - size[0] * scale) / 2 - left,
            (small[1] - size[1] * scale) / 2 - top,
        )
        frames = decode.frames(path, small)[:count]
        frames = frames[:, top : top + crop[1], left : left + crop[0]]
        found[name] = View(np.ascontiguousarray(frames), scale, shift)
    return found


def look(part, detector, view, known):
    """Measures a detector on a view.

    Returns:
        For each frame, whether nothing was found, milliseconds, and the share
        that is covered; for each known box, whether nine tenths of it are
        covered, by the detections of its frame and with those of others.
    """
    from priv_keras.baselines import drawing
    from priv_keras.baselines import obfuscate
    from priv_keras.baselines import tracking

    detector(view.frames[:1])  # builds a net
    start = time.perf_counter()
    found = detector(view.frames)
    took = (time.perf_counter() - start) * 1000 / len(found)
    alone, tracked, area = [], [], []
    for hits, more, boxes in zip(
        found, tracking.follow(found), known, strict=True
    ):
        masks = [
            drawing.box(
                view.frames[0], drawing.enlarged(x, obfuscate.MARGINS[part])
            )
            for x in (hits, more)
        ]
        area.append(masks[1].mean())
        for place in view.place(boxes):
            pixels = drawing.box(view.frames[0], place[None])
            if pixels.any():  # else it is outside the crop
                alone.append(masks[0][pixels].mean() > 0.9)
                tracked.append(masks[1][pixels].mean() > 0.9)
    none = [not len(boxes) for boxes in found]
    return none, alone, tracked, area, [took]


def timed(clip):
    """Returns milliseconds per frame of each baseline, detection included."""
    from priv_keras.baselines import obfuscate

    for name in obfuscate.NAMES:
        covering = obfuscate.build(name)
        took = []
        each = views(clip, 32)
        for view in (each[FILMED], each[PAPER]):
            covering(view.frames[:1])  # builds a net
            start = time.perf_counter()
            covering(view.frames)
            took.append((time.perf_counter() - start) * 1000 / 32)
        yield name, *took


def report(args, clips, found, times):
    yield "# Detectors"
    yield ""
    yield (
        f"Made by `python benchmarks/detectors.py` on {machine.name()}; load "
        f"at the end {os.getloadavg()[0]:.1f}. The first {args.frames} frames "
        f"of {len(clips)} clips of UT-Interaction, filmed at 152x232 to "
        "516x296 pixels; people stand 200 pixels high there, heads 40. A known "
        "face or person is one that the same detector finds in the frame as it "
        f"was filmed with a score above {SURE['face']} or {SURE['body']}: so "
        "the figures say what smaller frames lose, not what was never found."
    )
    yield ""
    yield (
        "| | frames | nothing found | known | covered, by the frame itself | "
        "covered, tracked | of the frame covered | ms/frame |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for part, name, (none, alone, tracked, area, took), known in found:
        yield (
            f"| {part} | {name} | {none:.1%} of frames | {known} | "
            f"{alone:.1%} | {tracked:.1%} | {area:.0%} | {took:.0f} |"
        )
    yield ""
    yield "| baseline | ms/frame as filmed, 400x296 | 112x112 |"
    yield "|---|---|---|"
    for name, filmed, small in times:
        yield f"| `{name}` | {filmed:.0f} | {small:.0f} |"
    yield ""


if __name__ == "__main__":
    main()
