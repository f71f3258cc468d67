"""Builds a dataset's raw videos into the shards that priv_keras reads.

    python -m tfrecords_tools.build --dataset=ucf101 --raw_dir=RAW --out_dir=OUT

Videos that cannot be read are skipped, and the exit status is then 1, unless
--skip_bad is given.
"""

import shlex
import sys

from absl import app

from flags import build as flags
from flags import paths
from flags import program


def main(argv):
    runner = flags.RUNNER.value
    if len(argv) > 1 and runner is None:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}.")
    paths.check_there(
        flags.RAW_DIR,
        flags.SPLIT_DIR,
        flags.CSV,
        flags.ATTRIBUTE_LIST,
        flags.EXCLUDE_PA,
        flags.pa_hmdb51.ANNOTATIONS,
    )
    paths.check_writable(flags.OUT_DIR)
    # Imported here so that `--help` does not wait for TensorFlow.
    from tfrecords_tools import manifest
    from tfrecords_tools import storage
    from tfrecords_tools import write
    from tfrecords_tools.puppets import cache

    folder = storage.path(flags.OUT_DIR.value) / flags.DATASET.value
    existed = (folder / manifest.NAME).exists()
    raw_dir = flags.RAW_DIR.value or cache.drawn_puppets(
        paper_size=flags.SCALE.value == "paper", workers=flags.WORKERS.value
    )
    content = write.build(
        flags.DATASET.value,
        raw_dir,
        flags.OUT_DIR.value,
        encoding=flags.ENCODING.value,
        squash=flags.SQUASH.value,
        workers=flags.WORKERS.value,
        seed=flags.SEED.value,
        command=shlex.join(
            ["python", "-m", "tfrecords_tools.build", *sys.argv[1:]]
        ),
        beam_options=runner and [f"--runner={runner}", *argv[1:]],
        **flags.choices(flags.DATASET.value),
    )
    if existed:
        print(f"Nothing to do: {folder} holds these shards already.")
    print(manifest.summary(content))
    return 1 if content["skipped"] and not flags.SKIP_BAD.value else 0


def run():
    program.run(
        main,
        [flags],
        first=(
            "dataset",
            "raw_dir",
            "out_dir",
            "workers",
            "skip_bad",
            "split",
            "split_dir",
            "fold",
            "csv",
            "attributes",
        ),
        required=["dataset", "out_dir"],
    )


if __name__ == "__main__":
    run()
