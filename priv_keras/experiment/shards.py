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

# Each reader of a split draws its own random numbers.
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
        folder, parties, frames: As of `sides.Side`.
        found: Dict of the file name of each shard to its `damage.Found`, to
            leave out what is broken; empty where nothing is.

    Attributes:
        manifest: That of the records that are not left out.

    Raises:
        ValueError: As of `sides.Side`, or if nothing is left of a split.
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
        """Returns single clips of a split, with names as the game knows them:
        `clips`, `actions`, `budget_labels` and `video`. Of each video where not
        `training` one, or, of a `whole` split, all that its manifest names.

        What is random depends on `--seed`, the stream, the epoch and
        TensorFlow's global seed, which tf.data mixes in.

        Of a label that each frame has for itself, a clip shows what any of its
        frames shows.
        """

        def label(example, name):
            if name in self.manifest["per_frame"]:
                return tf.reduce_max(example[name], axis=0)
            return example[name]

        def rename(example):
            return {
                "clips": example["clips"],
                "video": example["video"],
                **{
                    party: label(example, name)
                    for party, name in self.records.items()
                },
            }

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
        ).map(rename)

    def _pattern(self, split):
        return str(self.folder / f"{split}-*.tfrecord")

    def _runs(self):
        """Where to read shards of which records are left out."""
        return {
            name: found.runs
            for name, found in self.found.items()
            if found.broken
        }

    def cuts(self, split, stream, frames=None, epoch=0):
        """Random cuts: one of each video, or where videos are cut into clips
        that do not overlap, all of these."""
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
        """Endless batches of random cuts, for an update or a gate."""
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
        """Endless batches of validation: of random cuts, or one pass over all
        of its clips after the other."""
        if training_flags.GATE_BATCHES.value:
            return self.training_batches("validation", "gate", epoch=epoch)
        return (
            self.test_batches("validation", "gate")
            .map(_without_video)
            .repeat()
            .prefetch(tf.data.AUTOTUNE)
        )

    def each_label(self, split, name):
        """Yields one label of each video of a split, an array, without
        decoding its frames."""
        shapes = manifest.label_shapes(self.manifest)
        for record in records.read_records(
            self._pattern(split), runs=self._runs()
        ):
            yield schema.parse(record, (name,), shapes)[1][name].numpy()

    def clip_count(self, split):
        """Clips of one pass over a split."""
        return read.count(self.manifest, split, self.frames)

    def clip_bytes(self):
        """Bytes of a clip, decoded, 8 bits a channel."""
        return self.frames * flags.SIZE.value**2 * 3

    def test_batches(self, split, stream):
        """One pass over all clips of a split, in file order."""
        clips = self.clips(split, stream, whole=True)
        return _batches(clips, self.clip_count(split))

    def validation_batches(self, stream):
        """One pass over validation, a clip of each video."""
        count = len(self.manifest["splits"]["validation"]["videos"])
        clips = self.clips("validation", stream)
        return _batches(clips, count).map(_without_video)

    def views(self, stream):
        """`--attacker_views` random cuts of each training video, batched."""
        return (
            self.cuts("train", stream)
            .repeat(evaluation_flags.ATTACKER_VIEWS.value)
            .batch(flags.BATCH_SIZE.value)
        )

    def view_count(self):
        """Clips of `views`."""
        views = evaluation_flags.ATTACKER_VIEWS.value
        return views * self.clip_count("train")


def _seed(stream, epoch):
    return 100 * flags.SEED.value + STREAMS.index(stream) + 1_000_003 * epoch


def _batches(clips, count):
    return (
        # Unknown to tf.data, and Keras warns of a dataset that just ends.
        clips.apply(tf.data.experimental.assert_cardinality(count))
        .batch(flags.BATCH_SIZE.value)
        .with_options(_shared_out())
    )


def _shared_out():
    """Each worker takes its part of each batch. By files, their passes over a
    split would differ in length, and the longest wait for the others."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return options


def _without_video(example):
    return {name: example[name] for name in example if name != "video"}
