"""The splits of a dataset's shards as `tf.data` pipelines."""

import tensorflow as tf

from flags import data as flags
from flags import evaluation as evaluation_flags
from flags import training as training_flags
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


class Shards(sides.Side):
    """The shards of one dataset, as batches.

    Args:
        folder, parties, frames: See `sides.Side`.
        found: Dict of the file name of each shard to its `integrity.Found`,
            whose broken records are left out; empty if none are broken.

    Attributes:
        manifest: The manifest without the records that are left out.

    Raises:
        ValueError: See `sides.Side`; also if nothing is left of a split.
    """

    def __init__(self, folder, parties, frames, found):
        super().__init__(folder, parties, frames)
        self.found = found
        if found:
            self.manifest = integrity.without_broken(self.manifest, found)

    def clips(
        self,
        split,
        stream,
        *,
        training=False,
        whole=False,
        frames=None,
        epoch=0,
    ):
        """Returns single clips of a split.

        Randomness depends on `--seed`, the stream, the epoch and TensorFlow's
        global seed, which tf.data mixes in.

        Args:
            split: String, `"train"`, `"validation"` or `"test"`.
            stream: String, one of `STREAMS`.
            training: Bool, whether to cut and mirror at random, see `cuts`.
                Otherwise, there is one clip of each video.
            whole: Bool, whether to return all clips that the manifest counts.
            frames: Int, frames of a clip; those of this side if `None`.
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
            size=flags.SIZE.value,
            frame_size=(flags.FRAME_WIDTH.value, flags.FRAME_HEIGHT.value),
            training=training,
            flip=training,
            seed=_seed(stream, epoch),
            clips_per_video=per_video,
            middle=not (training or whole),
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

    def _pattern(self, split):
        return str(self.folder / f"{split}-*.tfrecord")

    def _runs(self):
        """Returns the readable parts of the shards that have broken records."""
        return {
            name: found.runs
            for name, found in self.found.items()
            if found.broken
        }

    def cuts(self, split, stream, frames=None, epoch=0):
        """Returns random cuts, mirrored at random.

        There is one cut of each video, or all of its clips if its manifest cuts
        videos into clips of consecutive frames.

        Args:
            split, stream, frames, epoch: See `clips`.

        Returns:
            `tf.data.Dataset`, see `clips`.
        """
        return self.clips(
            split,
            stream,
            training=True,
            frames=frames,
            epoch=epoch,
        )

    def training_batches(
        self, split, stream, batch_size=None, frames=None, epoch=0
    ):
        """Returns endless batches of random cuts, for an update or a gate.

        Args:
            split, stream, frames, epoch: See `clips`.
            batch_size: Int; `--batch_size` if `None`.

        Returns:
            `tf.data.Dataset` of full batches without `video`.
        """
        return (
            self.cuts(split, stream, frames, epoch)
            .map(_without_video)
            .repeat()
            .batch(
                batch_size or flags.BATCH_SIZE.value,
                drop_remainder=True,
                num_parallel_calls=tf.data.AUTOTUNE,
            )
            .prefetch(tf.data.AUTOTUNE)
            .with_options(_shared_out())
        )

    def gate_batches(self, epoch):
        """Returns endless validation batches for the gate of f_T.

        With `--gate_batches`, they are random cuts; without it, one pass over
        all clips follows another.

        Args:
            epoch: Int, which random numbers to draw.

        Returns:
            `tf.data.Dataset`.
        """
        if training_flags.GATE_BATCHES.value:
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
        return self.frames * flags.SIZE.value**2 * 3

    def test_batches(self, split, stream):
        """Returns one pass over all clips of a split, in file order."""
        clips = self.clips(split, stream, whole=True)
        return _batches(clips, self.clip_count(split))

    def validation_batches(self, stream):
        """Returns one pass over validation, with a clip of each video."""
        count = len(self.manifest["splits"]["validation"]["videos"])
        clips = self.clips("validation", stream)
        return _batches(clips, count).map(_without_video)

    def views(self, stream):
        """Returns batches of `--attacker_views` cuts of each training video."""
        return (
            self.cuts("train", stream)
            .repeat(evaluation_flags.ATTACKER_VIEWS.value)
            .batch(flags.BATCH_SIZE.value)
        )

    def view_count(self):
        """Returns the number of clips of `views`."""
        views = evaluation_flags.ATTACKER_VIEWS.value
        return views * self.clip_count("train")


def _seed(stream, epoch):
    return 100 * flags.SEED.value + STREAMS.index(stream) + 1_000_003 * epoch


def _batches(clips, count):
    return (
        # Keras warns if a dataset ends whose length tf.data does not know.
        clips.apply(tf.data.experimental.assert_cardinality(count))
        .batch(flags.BATCH_SIZE.value)
        .with_options(_shared_out())
    )


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


def _without_video(example):
    return {name: example[name] for name in example if name != "video"}
