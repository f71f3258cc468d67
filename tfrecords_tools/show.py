"""Prints what shards hold, and draws some of their videos.

    python -m tfrecords_tools.show SHARDS/ucf101 --out=sheet.png

The picture shows the videos as they were built: raw.
"""

import collections
import pathlib

from flags import program
from flags import show as flags

FRAMES = 8  # of each video in the picture
CAPTION, LINE = 320, 14  # pixels: width of a caption, height of its lines


def main(argv):
    folder = program.one_folder(argv)
    out = flags.OUT.value
    if out:
        _check_out(pathlib.Path(out))
    # Imported here so that `--help` does not wait for TensorFlow.
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
    """Returns how many videos of a split have each class, or how many frames
    if each has a label for itself, as lines of text."""
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
    """Draws a row of evenly spaced frames for each of a split's first videos.

    Beside them are the video's name and its labels.

    Args:
        folder: `epath.Path` that holds the shards.
        split: String.
        count: Int, number of videos.
        content: The manifest.
        out: Path of the PNG to write.

    Raises:
        OSError: If the PNG cannot be written.
        FileNotFoundError: If the split has no shards.
    """
    import cv2
    import numpy as np

    from tfrecords_tools import manifest
    from tfrecords_tools import read

    # The central square, which is what evaluation sees.
    clips = read.clips(
        str(folder / f"{split}-*.tfrecord"),
        labels=tuple(content["labels"]),
        shapes=manifest.label_shapes(content),
        frames=FRAMES,
        size=min(content["options"]["size"]),
    ).take(count)
    rows = [
        np.concatenate([*clip["clips"], caption(clip, content["labels"])], 1)
        for clip in clips
    ]
    sheet = (np.concatenate(rows)[..., ::-1] * 255).round().astype("uint8")
    if not cv2.imwrite(out, sheet):
        raise OSError(f"--out={out} cannot be written.")


def caption(clip, labels):
    """Returns a picture of a clip's name and labels, as high as its frames."""
    import cv2
    import numpy as np

    lines = [clip["video"].numpy().decode()]
    lines += [
        f"{name}: {', '.join(shown(clip[name].numpy(), classes))}"
        for name, classes in labels.items()
    ]
    height = clip["clips"].shape[1]
    paper = np.full((height, CAPTION, 3), 255, "uint8")
    for i, line in enumerate(lines):
        place = (4, LINE * (i + 1) - 4)
        cv2.putText(paper, line, place, cv2.FONT_HERSHEY_PLAIN, 0.8, (0, 0, 0))
    return paper / 255


def shown(label, classes):
    """Returns the names of the classes that a label holds, in any frame if each
    has a label for itself."""
    if label.ndim == 2:
        label = label.max(axis=0)
    chosen = (label > 0).nonzero()[0] if label.ndim else [label]
    return [classes[i] for i in chosen]


def run():
    program.run(main, [flags])


if __name__ == "__main__":
    run()
