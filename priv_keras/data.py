"""What a run trains on: one dataset, or one for each side (Sec. 3.4).

Part of the programs: reads flags.
"""

import os

import tensorflow as tf

from flags import data as flags
from flags import evaluation as evaluation_flags
from flags import training as training_flags
from priv_keras import bad_records
from priv_keras import losses
from priv_keras import sides
from priv_keras import signs
from priv_keras.algorithms.streams import Streams
from tfrecords_tools import damage
from tfrecords_tools import manifest
from tfrecords_tools import read
from tfrecords_tools import schema
from tfrecords_tools import write

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
            self.manifest = damage.without_broken(self.manifest, found)

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
        for record in read.records(self._pattern(split), runs=self._runs()):
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


class Data(sides.Sides):
    """The two sides of a run, as shards.

    Args:
        target, budget, tested: As of `sides.Sides`, of `Shards`.

    Attributes:
        budget_task: How private labels are scored in the game, a
            `losses.Task`.
        attacker_task: The same without `--attribute_weights`: an attacker has
            no reason to share the defender's.

    Raises:
        ValueError: As of `sides.Sides`.
    """

    def __init__(self, target, budget, tested=None):
        super().__init__(target, budget, tested)
        self.budget_task = _task(budget)
        self.attacker_task = (
            losses.MULTI_LABEL if budget.is_multi_label else losses.SINGLE_LABEL
        )

    @property
    def sides(self):
        """Its `Shards`, of each folder once."""
        every = (
            *(self.target, self.budget),
            *(self.tested_target, self.tested_budget),
        )
        return list({side.folder: side for side in every}.values())

    @property
    def clip_shape(self):
        """Of what f_T sees: `(frames, height, width, channels)`."""
        return (self.target.frames, flags.SIZE.value, flags.SIZE.value, 3)

    def streams(self, epoch, drawn=(0, 0, 0)):
        """Endless batches for an epoch of the game.

        Args:
            epoch: Int.
            drawn: Ints, batches of each that were drawn already.

        Returns:
            `Streams` of datasets: of f_T, where `--budget_batch_size` gives f_B
            its own, else of both; of validation; of f_B or `None`.
        """
        own = training_flags.BUDGET_BATCH_SIZE.value
        streams = Streams(
            self.target.training_batches("train", "game", epoch=epoch),
            self.target.gate_batches(epoch),
            self.budget_batches("game_budget", epoch).map(_for_budgets)
            if own
            else None,
        )
        return Streams(
            *(
                stream and stream.skip(count)
                for stream, count in zip(streams, drawn, strict=True)
            )
        )

    def budget_batches(self, stream, epoch=0):
        """Endless batches for f_B alone."""
        own = training_flags.BUDGET_BATCH_SIZE.value
        return self.budget.training_batches(
            "train",
            stream,
            own,
            training_flags.BUDGET_FRAMES.value if own else None,
            epoch,
        )

    def validation_batches(self, stream):
        """Each validation video of both sides at least once."""
        if self.target is self.budget:
            return self.target.validation_batches(stream)
        sides = [
            side.validation_batches(stream)
            for side in (self.target, self.budget)
        ]
        longest = max(int(side.cardinality()) for side in sides)
        both = tf.data.Dataset.zip(*(side.repeat() for side in sides))
        return both.take(longest).map(_join)


def _task(shards):
    weights = training_flags.ATTRIBUTE_WEIGHTS.value
    if not shards.is_multi_label:
        return losses.SINGLE_LABEL
    return losses.multi_label(weights and [float(w) for w in weights])


def _for_budgets(batch):
    return {
        "budget_clips": batch["clips"],
        "budget_labels": batch["budget_labels"],
    }


def _join(batch, budget_batch):
    return {**batch, **_for_budgets(budget_batch)}


def _without_video(example):
    return {name: example[name] for name in example if name != "video"}


def open_data():
    """Returns the `Data` that `--dataset` and `--budget_dataset` name.

    Puppets are drawn and written where they are missing. Every shard is
    checked against the manifest before it is used.

    Raises:
        FileNotFoundError, ValueError: If shards are missing, or damaged more
            than `--bad_records` allows.
    """
    data = sides.opened(_open, Data)
    bad_records.check(data)
    return data


def _open(dataset, parties, frames):
    if dataset == "puppets":
        parent = write.puppets(
            flags.DATA_DIR.value,
            paper_size=flags.SCALE.value == "paper",
            workers=os.cpu_count(),
        )
        folder = parent / dataset
    else:
        folder = sides.folder_of(dataset)
    shards = Shards(folder, parties, frames, bad_records.find(folder))
    splits = shards.manifest["splits"]
    signs.check_videos({name: part["videos"] for name, part in splits.items()})
    if splits["train"]["videos"]:  # none, of what only tests
        for party, name in shards.records.items():
            signs.check_labels(party, shards.each_label("train", name))
    return shards
