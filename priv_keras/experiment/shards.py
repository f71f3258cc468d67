"""The splits of a dataset's shards as `tf.data` pipelines."""

from typing import NamedTuple

import tensorflow as tf

from priv_keras import augmentation
from priv_keras.experiment import sides
from tfrecords_tools import integrity
from tfrecords_tools import manifest
from tfrecords_tools import read
from tfrecords_tools import records
from tfrecords_tools import schema

# Names of the streams of random numbers, one for each use of a split.
STREAMS = (
    "game",
    "gate",
    "identity",
    "target",
    "budget",
    "attackers",
    "raw",
    "game_budget",
    "calibration",
)


class Cut(NamedTuple):
    """How clips are cut out of videos.

    Attributes:
        frames: Int, frames of a clip.
        size: Int, side in pixels of the square that is cut from each frame.
        frame_size: Pair of ints, width and height in pixels, to which whole
            frames are resized first; `None` to leave them as they are stored.
        mirror: Bool, whether about every other random cut is mirrored.
        augment: Bool, whether those of training batches are changed mildly,
            see `augmentation.augmented`.
    """

    frames: int
    size: int
    frame_size: tuple | None = None
    mirror: bool = False
    augment: bool = False


class Shards(sides.Side):
    """The shards of one dataset, as batches.

    Args:
        folder, parties: See `sides.Side`.
        cut: `Cut`.
        batch_size: Int, clips in a batch.
        seed: Int. The same seed repeats the same random cuts.
        found: Dict of the file name of each shard to its `integrity.Found`,
            whose broken records are left out; `None` or empty if none are
            broken.

    Attributes:
        manifest: The manifest without the records that are left out.

    Raises:
        ValueError: See `sides.Side`; also if nothing is left of a split.
    """

    def __init__(self, folder, parties, cut, *, batch_size, seed=0, found=None):
        super().__init__(folder, parties, cut.frames)
        self.cut = cut
        self.batch_size = batch_size
        self.seed = seed
        self.found = found or {}
        if self.found:
            self.manifest = integrity.without_broken(self.manifest, found)

    def clips(
        self,
        split,
        stream,
        *,
        training=False,
        whole=False,
        frames=None,
        kept=None,
        epoch=0,
    ):
        """Returns single clips of a split.

        Randomness depends on the seed of these shards, the stream, the epoch
        and TensorFlow's global seed, which tf.data mixes in.

        Args:
            split: String, `"train"`, `"validation"` or `"test"`.
            stream: String, one of `STREAMS`.
            training: Bool, whether to cut at random, see `cuts`. Otherwise,
                there is one clip of each video.
            whole: Bool, whether to return all clips that the manifest counts.
            frames: Int, frames of a clip; those of this side if `None`.
            kept: Int, how many of these to decode, drawn at random; `None` for
                all.
            epoch: Int, which random numbers to draw.

        Returns:
            `tf.data.Dataset` of dicts: `clips`, float32 `(frames, size, size,
            3)` in [0, 1], `video`, and `actions` or `budget_labels` or both.
        """
        per_video = self.manifest["clips_per_video"]
        if not (training or whole):
            per_video = per_video and 1  # `None`: clips of consecutive frames
        return read.clips(
            self._pattern(split),
            labels=tuple(self.records.values()),
            shapes=manifest.label_shapes(self.manifest),
            frames=frames or self.frames,
            size=self.cut.size,
            frame_size=self.cut.frame_size,
            training=training,
            flip=self.cut.mirror,
            seed=self._seed(stream, epoch),
            clips_per_video=per_video,
            middle=not (training or whole),
            kept=kept,
            runs=self._runs(),
        ).map(self._renamed)

    def _renamed(self, example):
        """Names the labels of a record as the game does."""
        labels = {
            party: self._of_clip(example[name], name)
            for party, name in self.records.items()
        }
        return {
            "clips": example["clips"],
            "video": example["video"],
            **labels,
        }

    def _of_clip(self, label, name):
        """Reduces a label of each frame to what any of the frames shows."""
        if name in self.manifest["per_frame"]:
            return tf.reduce_max(label, axis=0)
        return label

    def _seed(self, stream, epoch):
        return 100 * self.seed + STREAMS.index(stream) + 1_000_003 * epoch

    def _pattern(self, split):
        return str(self.folder / f"{split}-*.tfrecord")

    def _runs(self):
        """Returns the readable parts of the shards that have broken records."""
        return {
            name: found.runs
            for name, found in self.found.items()
            if found.broken
        }

    def cuts(self, split, stream, frames=None, epoch=0, kept=None):
        """Returns random cuts, about half of them mirrored if `cut.mirror`.

        There is one cut of each video, or all of its clips if its manifest cuts
        videos into clips of consecutive frames.

        Args:
            split, stream, frames, epoch, kept: See `clips`.

        Returns:
            `tf.data.Dataset`, see `clips`.
        """
        return self.clips(
            split,
            stream,
            training=True,
            frames=frames,
            kept=kept,
            epoch=epoch,
        )

    def training_batches(
        self, split, stream, batch_size=None, frames=None, epoch=0
    ):
        """Returns endless batches of random cuts, for an update or a gate.

        Those of the training split are changed mildly if `cut.augment`.

        Args:
            split, stream, frames, epoch: See `clips`.
            batch_size: Int; that of these shards if `None`.

        Returns:
            `tf.data.Dataset` of full batches without `video`.
        """
        cuts = self.cuts(split, stream, frames, epoch).map(_without_video)
        cuts = cuts.repeat()
        if self.cut.augment and split == "train":
            cuts = _augmented(cuts, self._seed(stream, epoch))
        return (
            cuts.batch(
                batch_size or self.batch_size,
                drop_remainder=True,
                num_parallel_calls=tf.data.AUTOTUNE,
            )
            .prefetch(tf.data.AUTOTUNE)
            .with_options(_shared_out())
        )

    def gate_batches(self, epoch, *, whole):
        """Returns endless validation batches for the gate of f_T.

        Args:
            epoch: Int, which random numbers to draw.
            whole: Bool, whether one pass over all clips follows another;
                otherwise, clips are cut at random.

        Returns:
            `tf.data.Dataset`.
        """
        if not whole:
            return self.training_batches("validation", "gate", epoch=epoch)
        return (
            self.test_batches("validation", "gate")
            .map(_without_video)
            .repeat()
            .prefetch(tf.data.AUTOTUNE)
        )

    def each_label(self, split, name):
        """Yields a label of each video of a split without decoding frames.

        Args:
            split: String.
            name: String, the label's name in a record.

        Yields:
            Array, a scalar or `(attributes,)`, or such an array per frame.
        """
        shapes = manifest.label_shapes(self.manifest)
        for record in records.read_records(
            self._pattern(split), runs=self._runs()
        ):
            yield schema.parse(record, (name,), shapes)[1][name].numpy()

    def clip_count(self, split):
        """Returns the number of clips of one pass over a split."""
        return read.count(self.manifest, split, self.frames)

    def clip_bytes(self):
        """Returns the bytes of a decoded clip with 8 bits per channel."""
        return self.frames * self.cut.size**2 * 3

    def test_batches(self, split, stream):
        """Returns one pass over all clips of a split, in file order."""
        clips = self.clips(split, stream, whole=True)
        return self._batches(clips, self.clip_count(split))

    def validation_batches(self, stream):
        """Returns one pass over validation, with a clip of each video."""
        count = len(self.manifest["splits"]["validation"]["videos"])
        clips = self.clips("validation", stream)
        return self._batches(clips, count).map(_without_video)

    def _batches(self, clips, count):
        return (
            # Keras warns if a dataset ends whose length tf.data does not know.
            clips.apply(tf.data.experimental.assert_cardinality(count))
            .batch(self.batch_size)
            .with_options(_shared_out())
        )

    def views(self, stream, number):
        """Returns batches of `number` random cuts of each training video."""
        clips = self.cuts("train", stream).repeat(number)
        return clips.batch(self.batch_size)

    def view_count(self, number):
        """Returns the number of clips of `views`."""
        return number * self.clip_count("train")


def _shared_out():
    """Returns options by which each worker takes its part of each batch.

    If files were shared out instead, the passes of workers over a split would
    differ in length, and the longest would wait for the others.
    """
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return options


def _augmented(cuts, seed):
    """Changes endless clips at random."""

    def augment(example, key):
        clips = augmentation.augmented(example["clips"], key)
        return {**example, "clips": clips}

    keys = tf.data.Dataset.random(seed, rerandomize_each_iteration=True)
    return tf.data.Dataset.zip(cuts, keys.batch(2, drop_remainder=True)).map(
        augment, num_parallel_calls=tf.data.AUTOTUNE
    )


def _without_video(example):
    return {name: example[name] for name in example if name != "video"}
