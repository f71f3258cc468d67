"""Reads TFRecord shards as clips."""

from typing import NamedTuple

import tensorflow as tf

from tfrecords_tools import schema
from tfrecords_tools.records import read_records

AUTOTUNE = tf.data.AUTOTUNE
SHUFFLED = 1024  # clips that wait, undecoded, to be drawn from


def clips(
    pattern,
    *,
    labels,
    shapes=None,
    frames=16,
    frame_size=None,
    size=112,
    training=False,
    flip=False,
    seed=0,
    clips_per_video=1,
    middle=False,
    kept=None,
    runs=None,
    layout=schema,
):
    """Yields the clips of the shards that match `pattern`.

    A video is cut into as many equal strata as a clip has frames. Training
    takes a random frame of each, and one random crop for the whole clip, from
    records in random order; evaluation takes evenly spaced frames and the
    centre, in file order. A video shorter than a clip repeats its last frame.
    If `clips_per_video` is `None`, a video is instead cut into clips of
    consecutive frames that do not overlap, and what is left at its end is
    dropped. Only frames that are taken are decoded.

    Args:
        pattern: Glob of shard files, as in `"shards/sbu/train-*.tfrecord"`.
        labels: Names of the labels to yield, as in `("action", "actors")`.
        shapes: Dict of label name to shape, for labels that are not scalars,
            as `manifest.label_shapes` returns it.
        frames: Int, T of Sec. 4.
        frame_size: `(width, height)` that whole frames are resized to before
            the crop, in pixels; `None` to leave them as they are stored.
        size: Int, W = H of Sec. 4, pixels of the crop.
        training: Bool, see above.
        flip: Bool, whether training mirrors about every other clip.
        seed: Int. The same seed repeats the same random choices, which differ
            from epoch to epoch.
        clips_per_video: Int, how many clips evaluation takes of each video;
            their frames interleave. `None`: see above, in training as well.
        middle: Bool, whether only the clip in the middle of each video is
            taken if `clips_per_video` is `None`.
        kept: Int, how many frames of each clip are decoded and returned, in
            their order, which are drawn at random; `None` for all.
        runs: Dict, as `records.read_records` takes it.
        layout: What parses a record and decodes its frames.

    Returns:
        Unbatched `tf.data.Dataset` of dicts: `clips` float32
        `(frames, size, size, 3)` in [0, 1], or `(kept, size, size, 3)`,
        `video` string, and int64 labels: scalars, vectors of 0 and 1 for
        multi-label ones, or `(frames, classes)` for those that each frame has
        for itself.

    Raises:
        FileNotFoundError: If no file matches `pattern`.
        ValueError: If the crop is larger than `frame_size`.
    """
    if frame_size and size > min(frame_size):
        raise ValueError(
            f"A crop of size={size} does not fit into frames of "
            f"frame_size={tuple(frame_size)}, width and height."
        )
    cutter = _Cutter(
        labels=labels,
        shapes=shapes or {},
        frames=frames,
        frame_size=frame_size,
        size=size,
        training=training,
        flip=flip,
        clips_per_video=clips_per_video,
        middle=middle,
        kept=min(kept or frames, frames),
        layout=layout,
    )
    records = read_records(pattern, seed if training else None, runs)
    return cutter.cut(records, seed)


class _Cutter(NamedTuple):
    """How clips are cut out of records; the fields are arguments of `clips`."""

    labels: tuple
    shapes: dict
    frames: int
    frame_size: tuple | None
    size: int
    training: bool
    flip: bool
    clips_per_video: int | None
    middle: bool
    kept: int
    layout: object

    def cut(self, records, seed):
        """Returns the clips of a dataset of records."""
        items = tf.data.Dataset.zip(self.numbered(records), _keys(seed)).map(
            lambda numbered, keys: (*numbered, keys)
        )
        if self.training:
            # After `choose`, only the frames of a clip are held, not a video.
            chosen = items.map(self.choose, num_parallel_calls=AUTOTUNE)
            items = chosen.shuffle(SHUFFLED, seed=seed)
            return items.map(self.render, num_parallel_calls=AUTOTUNE)
        return items.map(
            lambda *item: self.render(*self.choose(*item)),
            num_parallel_calls=AUTOTUNE,
        )

    def numbered(self, records):
        """Pairs records with the numbers of the clips to cut out of them."""
        if self.clips_per_video == 1 or (
            self.training and self.clips_per_video
        ):
            first = tf.data.Dataset.from_tensors(tf.constant(0, tf.int64))
            return tf.data.Dataset.zip(records, first.repeat())
        return records.flat_map(self.each_number)

    def each_number(self, record):
        """Returns pairs of a record and the number of each of its clips."""
        count = self.clips_per_video
        if count is None:
            encoded, _ = self.layout.parse(record, ())
            length = tf.shape(encoded.frames, tf.int64)[0]
            count = tf.maximum(length // self.frames, 1)
            if self.middle:
                return tf.data.Dataset.from_tensors((record, count // 2))
        return tf.data.Dataset.range(count).map(lambda i: (record, i))

    def choose(self, record, number, keys):
        """Parses a record and keeps the frames of one clip, still encoded."""
        encoded, about = self.layout.parse(record, self.labels, self.shapes)
        length = tf.shape(encoded.frames)[0]
        chosen = self.indices(length, number, keys[0])
        for name in self.labels:
            if self.shapes.get(name, ())[:1] == (None,):  # one for each frame
                about[name] = tf.gather(about[name], chosen)
        if self.kept < self.frames:
            # One key serves one draw, and `indices` has drawn.
            key = tf.random.fold_in(keys[0], 1)
            chosen = _some(chosen, self.kept, key)
        taken = encoded._replace(frames=tf.gather(encoded.frames, chosen))
        return taken, about, keys

    def indices(self, length, number, key):
        """Returns the indices of the frames of one clip, int32 `(frames,)`."""
        if self.clips_per_video is None:
            return consecutive(length, self.frames, number)
        if self.training:
            offset = tf.random.stateless_uniform((self.frames,), key)
        else:
            offset = tf.cast(number, tf.float32) + 0.5
            offset /= self.clips_per_video
        return strata(length, self.frames, offset)

    def render(self, encoded, about, keys):
        """Decodes the frames of a clip, crops them and mirrors some clips."""
        crop_key = keys[1] if self.training else None
        mirrored = False
        if self.training and self.flip:
            mirrored = tf.random.stateless_uniform((), keys[2]) < 0.5
        clip = _crop(
            self.layout,
            encoded,
            self.frame_size,
            self.size,
            crop_key,
            mirrored,
        )
        shape = (self.kept, self.size, self.size, 3)
        return {"clips": tf.ensure_shape(clip, shape), **about}


def _keys(seed):
    """Yields three keys for each clip: for its frames, its crop, its mirror.

    Stateful random ops in a parallel map would not repeat.
    """
    keys = tf.data.Dataset.random(seed, rerandomize_each_iteration=True)
    return keys.batch(6).map(lambda numbers: tf.reshape(numbers, (3, 2)))


def strata(length, frames, offset):
    """Returns the index of one frame in each equal part of a video.

    Args:
        length: Scalar int32 tensor, frames of the video.
        frames: Int, number of parts.
        offset: Float tensor, scalar or `(frames,)`, in [0, 1): where in its
            part each frame lies.

    Returns:
        int32 tensor `(frames,)`, ascending. A video shorter than `frames`
        repeats its last frame.
    """
    span = tf.cast(tf.maximum(length, frames), tf.float32)
    starts = tf.range(frames, dtype=tf.float32)
    indices = tf.cast((starts + offset) * span / frames, tf.int32)
    return tf.minimum(indices, length - 1)


def consecutive(length, frames, index):
    """Returns the indices of one of the clips that a video is divided into.

    Args:
        length: Scalar int32 tensor, frames of the video.
        frames: Int, indices to return.
        index: Scalar integer tensor, the number of the clip.

    Returns:
        int32 tensor `(frames,)`, ascending. A video shorter than `frames`
        repeats its last frame.
    """
    indices = tf.cast(index, tf.int32) * frames + tf.range(frames)
    return tf.minimum(indices, length - 1)


def _some(indices, number, key):
    """Returns `number` of some indices, drawn at random, in their order."""
    order = tf.random.experimental.stateless_shuffle(indices, key)
    return tf.sort(order[:number])


def count(content, split, frames):
    """Counts the clips that `clips` yields of a split in evaluation.

    Args:
        content: The manifest, whose `clips_per_video` is given to `clips`.
        split: String.
        frames: Int, as `clips` takes it.

    Returns:
        Int.
    """
    lengths = content["splits"][split]["frames"]
    if content["clips_per_video"] is None:
        return sum(max(length // frames, 1) for length in lengths)
    return len(lengths) * content["clips_per_video"]


def _crop(layout, encoded, frame_size, size, key, mirrored):
    """Returns squares of frames, float32 in [0, 1], resized only if necessary.

    Otherwise, what is outside of the square is not even decoded, which takes
    two thirds of the time of decoding first and cropping then. Frames are
    mirrored as bytes, which are a quarter of the floats.
    """
    height, width = encoded.height, encoded.width

    def as_stored():
        window = _window(height, width, size, key)
        clip = _mirrored(layout.decode_frames(encoded, window), mirrored)
        return tf.image.convert_image_dtype(clip, tf.float32)

    def resized():
        clip = layout.decode_frames(encoded)
        clip = tf.image.convert_image_dtype(clip, tf.float32)
        clip = tf.image.resize(clip, frame_size[::-1], "area")
        window = _window(frame_size[1], frame_size[0], size, key)
        return _mirrored(schema.crop(clip, window), mirrored)

    if frame_size is None:
        return as_stored()
    same = (width == frame_size[0]) & (height == frame_size[1])
    return tf.cond(same, as_stored, resized)


def _window(height, width, size, key):
    """Returns `(top, left, size, size)`: central or, with a key, anywhere."""
    room = tf.cast(tf.stack([height, width]), tf.int32) - size
    fits = tf.debugging.Assert(
        tf.reduce_all(room >= 0),
        [f"A crop of size={size} does not fit into", height, "x", width],
    )
    with tf.control_dependencies([fits] if fits is not None else []):
        offset = room // 2
    if key is not None:
        # Offsets are drawn as by `tf.image.stateless_random_crop` of clips.
        numbers = tf.random.stateless_uniform(
            (4,), key, 0, tf.int32.max, tf.int32
        )
        offset = numbers[1:3] % (room + 1)
    return tf.concat([offset, [size, size]], 0)


def _mirrored(clip, mirrored):
    if mirrored is False:
        return clip

    def mirror():
        # `clip[:, :, ::-1]` takes ten times as long.
        rows = tf.reverse(tf.reshape(clip, (-1, tf.shape(clip)[2], 3)), [1])
        return tf.reshape(rows, tf.shape(clip))

    return tf.cond(mirrored, mirror, lambda: clip)
