"""Prints what shards hold, and draws some of their videos.

    python -m tfrecords_tools.show SHARDS/ucf101 --out=sheet.png

The videos in the picture are as they were built: raw.
"""

import collections
import pathlib

from flags import program
from flags import show as flags

FRAMES = 8  # of a video in a picture
BESIDE, LINE = 320, 14  # pixels: room for labels, and the height of a line


def main(argv):
    folder = program.one_folder(argv)
    out = flags.OUT.value
    if out:
        _check_out(pathlib.Path(out))
    # In here, so that `--help` does not wait for TensorFlow.
    from tfrecords_tools import manifest
    from tfrecords_tools import storage

    folder = storage.path(folder)
    content = manifest.load(folder)
    for split in content["splits"]:
        print(table(folder, split, content))
    if out:
        draw(folder, flags.SPLIT.value, flags.COUNT.value, content, out)
    return 0


def _check_out(path):
    if path.suffix.lower() != ".png":
        raise ValueError(f"--out must name a .png file. Received: {path}.")
    if not path.parent.is_dir():
        raise ValueError(f"--out={path}: there is no folder {path.parent}.")


def table(folder, split, content):
    """How many videos of a split have each label, or how many frames one that
    each has for itself, as lines of text."""
    import tensorflow as tf

    from tfrecords_tools import manifest
    from tfrecords_tools import schema

    part = content["splits"][split]
    paths = [str(folder / shard["file"]) for shard in part["shards"]]
    counts = {name: collections.Counter() for name in content["labels"]}
    for record in tf.data.TFRecordDataset(paths):
        _, about = schema.parse(
            record, tuple(counts), manifest.label_shapes(content)
        )
        for name, counter in counts.items():
            label = about[name].numpy()
            present = (label > 0).nonzero()[-1] if label.ndim else [int(label)]
            counter.update(present)
    lines = [f"{split}: {len(part['videos'])} videos"]
    for name, classes in content["labels"].items():
        each = (f"{c} {counts[name][i]}" for i, c in enumerate(classes))
        frames = " (frames)" if name in content["per_frame"] else ""
        lines.append(f"  {name}{frames}: {', '.join(each)}")
    return "\n".join(lines)


def draw(folder, split, count, content, out):
    """Draws evenly spaced frames of the first videos of a split, a row each,
    with its name and labels beside it.

    Args:
        folder: `epath.Path` that holds the shards.
        split: String.
        count: Int, videos.
        content: The manifest.
        out: Path of the PNG to write.

    Raises:
        OSError: If it cannot be written.
        FileNotFoundError: If the split has no shards.
    """
    import cv2
    import numpy as np

    from tfrecords_tools import manifest
    from tfrecords_tools import read

    # As training and evaluation see them: the central square.
    clips = read.clips(
        str(folder / f"{split}-*.tfrecord"),
        labels=tuple(content["labels"]),
        shapes=manifest.label_shapes(content),
        frames=FRAMES,
        size=min(content["options"]["size"]),
    ).take(count)
    rows = [
        np.concatenate([*clip["clips"], beside(clip, content["labels"])], 1)
        for clip in clips
    ]
    sheet = (np.concatenate(rows)[..., ::-1] * 255).round().astype("uint8")
    if not cv2.imwrite(out, sheet):
        raise OSError(f"--out={out} cannot be written.")


def beside(clip, labels):
    """A picture, as high as the clip's frames, of its name and labels."""
    import cv2
    import numpy as np

    lines = [clip["video"].numpy().decode()]
    lines += [
        f"{name}: {', '.join(shown(clip[name].numpy(), classes))}"
        for name, classes in labels.items()
    ]
    height = clip["clips"].shape[1]
    paper = np.full((height, BESIDE, 3), 255, "uint8")
    for i, line in enumerate(lines):
        place = (4, LINE * (i + 1) - 4)
        cv2.putText(paper, line, place, cv2.FONT_HERSHEY_PLAIN, 0.8, (0, 0, 0))
    return paper / 255


def shown(label, classes):
    """Names of the classes that a label holds; of one that each frame has for
    itself, those of any frame."""
    if label.ndim == 2:
        label = label.max(axis=0)
    chosen = (label > 0).nonzero()[0] if label.ndim else [label]
    return [classes[i] for i in chosen]


def run():
    program.run(main, [flags])


if __name__ == "__main__":
    run()
