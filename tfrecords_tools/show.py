"""Says what shards hold: `python -m tfrecords_tools.show DIR [--out=PNG]`."""

import collections
import os
import pathlib
import sys

from absl import app
from absl import flags as absl_flags

from flags import show as flags

absl_flags.adopt_module_key_flags(flags)  # or `--help` lists none

FRAMES = 8  # of a video in a picture


def main(argv):
    if len(argv) != 2:
        raise app.UsageError("Give one folder that holds a manifest.json.")
    # In here, so that `--help` does not wait for TensorFlow.
    from tfrecords_tools import manifest

    folder = pathlib.Path(argv[1])
    try:
        content = manifest.load(folder)
        for split in content["splits"]:
            print(table(folder, split, content))
        if flags.OUT.value:
            _draw(folder, content)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def table(folder, split, content):
    """How many videos of a split have each label, as lines of text."""
    from tfrecords_tools import read

    counts = {name: collections.Counter() for name in content["labels"]}
    for video in read.clips(
        str(folder / f"{split}-*"),
        labels=tuple(content["labels"]),
        frames=1,
    ):
        for name in counts:
            counts[name][int(video[name])] += 1
    lines = [f"{split}: {len(content['splits'][split]['videos'])} videos"]
    for name, classes in content["labels"].items():
        each = (f"{c} {counts[name][i]}" for i, c in enumerate(classes))
        lines.append(f"  {name}: {', '.join(each)}")
    return "\n".join(lines)


def _draw(folder, content):
    import cv2
    import numpy as np

    from tfrecords_tools import read

    width, height = content["options"]["size"]
    clips = read.clips(
        str(folder / f"{flags.SPLIT.value}-*"),
        labels=(),
        frames=FRAMES,
        size=min(width, height),
    ).take(flags.COUNT.value)
    rows = [np.concatenate(list(clip["clips"]), axis=1) for clip in clips]
    sheet = (np.concatenate(rows)[..., ::-1] * 255).round().astype("uint8")
    cv2.imwrite(flags.OUT.value, sheet)


def run():
    # TensorFlow greets on standard error, above what we have to say.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    app.run(main)


if __name__ == "__main__":
    run()
