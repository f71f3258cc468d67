"""From TFRecord shards to clips."""

import tensorflow as tf

from tfrecords_tools import schema
from tfrecords_tools.records import read_records

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
    runs=None,
    layout=schema,
):
    """Yields the clips of the shards that match `pattern`.

    A video is cut into as many equal strata as a clip has frames. Training
    takes a random frame of each, and one random crop for the whole clip, from
    records in random order; evaluation takes evenly spaced frames and the
    centre, in file order. A video shorter than a clip repeats its last frame.
    Where `clips_per_video` is `None`, a video is cut into all its clips of
    consecutive frames instead, none of them in two clips; what is left at its
    end is dropped. Only frames that are taken are decoded.

    Args:
        pattern: Glob of shard files, as in `"shards/sbu/train-*.tfrecord"`.
        labels: Names of the labels to yield, as in `("action", "actors")`.
        shapes: Dict of their names to the shapes of those that are no scalars,
            as `manifest.label_shapes` returns it.
        frames: Int, T of Sec. 4.
        frame_size: `(width, height)` that whole frames are resized to before
            the crop, in pixels; `None` for as they are stored.
        size: Int, W = H of Sec. 4, pixels of the crop.
        training: Bool, see above.
        flip: Bool, mirrors every other clip at random, where `training`.
        seed: Int, repeats the same random choices, new ones each epoch.
        clips_per_video: Int, clips of each video where not `training`: their
            frames interleave. Or `None`, see above, in training as well.
        middle: Bool, where `clips_per_video` is `None`: of each video only the
            clip in its middle.
        runs: As of `records`.
        layout: What parses a record and decodes its frames.

    Returns:
        Unbatched `tf.data.Dataset` of dicts: `clips` float32
        `(frames, size, size, 3)` in [0, 1], `video` string, and int64 labels:
        scalars, or, of multi-label ones, vectors of 0 and 1, or, of those that
        each frame has for itself, `(frames, classes)`.

    Raises:
        FileNotFoundError: If no file matches `pattern`.
        ValueError: If the crop is larger than `frame_size`.
    """
    if frame_size and size > min(frame_size):
        raise ValueError(
            f"A crop of size={size} does not fit into frames of "
            f"frame_size={tuple(frame_size)}, width and height."
        )

    per_frame = [
        name for name in labels if (shapes or {}).get(name, ())[:1] == (None,)
    ]

    def choose(record, phase, keys):
        encoded, about = layout.parse(record, labels, shapes)
        length = tf.shape(encoded.frames)[0]
        if clips_per_video is None:
            chosen = consecutive(length, frames, phase)
        elif training:
            offset = tf.random.stateless_uniform((frames,), keys[0])
            chosen = strata(length, frames, offset)
        else:
            offset = (tf.cast(phase, tf.float32) + 0.5) / clips_per_video
            chosen = strata(length, frames, offset)
        taken = encoded._replace(frames=tf.gather(encoded.frames, chosen))
        for name in per_frame:
            about[name] = tf.gather(about[name], chosen)
        return taken, about, keys

    def render(encoded, about, keys):
        crop_key = keys[1] if training else None
        mirrored = False
        if training and flip:
            mirrored = tf.random.stateless_uniform((), keys[2]) < 0.5
        clip = _cut(layout, encoded, frame_size, size, crop_key, mirrored)
        shape = (frames, size, size, 3)
        return {"clips": tf.ensure_shape(clip, shape), **about}

    stored = read_records(pattern, seed if training else None, runs)
    per_video = 1 if training and clips_per_video else clips_per_video
    cuts = _cuts(stored, per_video, middle, frames, layout)
    items = tf.data.Dataset.zip(cuts, _keys(seed)).map(
        lambda cut, keys: (*cut, keys)
    )
    if training:
        # After `choose`, when of a video no more than a clip is left to hold.
        chosen = items.map(choose, num_parallel_calls=tf.data.AUTOTUNE)
        items = chosen.shuffle(SHUFFLED, seed=seed)
        return items.map(render, num_parallel_calls=tf.data.AUTOTUNE)
    return items.map(
        lambda *item: render(*choose(*item)),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


def _keys(seed):
    """Three keys per record, for its frames, its crop and its mirror.

    Stateful random ops in a parallel map could not repeat.
    """
    keys = tf.data.Dataset.random(seed, rerandomize_each_iteration=True)
    return keys.batch(6).map(lambda numbers: tf.reshape(numbers, (3, 2)))


def strata(length, frames, offset):
    """Indices of one frame in each of `frames` equal parts of a video.

    Args:
        length: Scalar int32 tensor, frames of the video.
        frames: Int, indices to return.
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
    """Indices of the frames of one of a video's clips that do not overlap.

    Args:
        length: Scalar int32 tensor, frames of the video.
        frames: Int, indices to return.
        index: Scalar integer tensor, which clip.

    Returns:
        int32 tensor `(frames,)`, ascending. A video shorter than `frames`
        repeats its last frame.
    """
    indices = tf.cast(index, tf.int32) * frames + tf.range(frames)
    return tf.minimum(indices, length - 1)


def count(content, split, frames):
    """How many clips `clips` makes of a split in evaluation.

    Args:
        content: The manifest, whose `clips_per_video` was given to `clips`.
        split: String.
        frames: Int, as given to `clips`.

    Returns:
        Int.
    """
    lengths = content["splits"][split]["frames"]
    if content["clips_per_video"] is None:
        return sum(max(length // frames, 1) for length in lengths)
    return len(lengths) * content["clips_per_video"]


def _cuts(records, per_video, middle, frames, layout):
    """Pairs of a record and the number of one of its clips."""

    def numbered(record):
        count = per_video
        if count is None:
            encoded, _ = layout.parse(record, ())
            length = tf.shape(encoded.frames, tf.int64)[0]
            count = tf.maximum(length // frames, 1)
            if middle:
                return tf.data.Dataset.from_tensors((record, count // 2))
        return tf.data.Dataset.range(count).map(lambda i: (record, i))

    if per_video == 1:
        first = tf.data.Dataset.from_tensors(tf.constant(0, tf.int64))
        return tf.data.Dataset.zip(records, first.repeat())
    return records.flat_map(numbered)


def _cut(layout, encoded, frame_size, size, key, mirrored):
    """Squares of frames, float32 in [0, 1]: resized only if they have to be.

    Else what is outside of the square is not even decoded: two thirds of the
    time of decoding and then cropping. They are mirrored as bytes, a quarter
    of what there is to move afterwards.
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
    """`(top, left, size, size)`, in the centre or, with a key, anywhere."""
    room = tf.cast(tf.stack([height, width]), tf.int32) - size
    fits = tf.debugging.Assert(
        tf.reduce_all(room >= 0),
        [f"A crop of size={size} does not fit into", height, "x", width],
    )
    with tf.control_dependencies([fits] if fits is not None else []):
        offset = room // 2
    if key is not None:
        # As `tf.image.stateless_random_crop` of clips draws its offsets.
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
