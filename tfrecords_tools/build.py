"""Builds shards: `python -m tfrecords_tools.build --dataset=...`."""

import os
import sys

from absl import app
from absl import flags as absl_flags

from flags import build as flags

absl_flags.adopt_module_key_flags(flags)  # or `--help` lists none


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}.")
    # In here, so that `--help` does not wait for TensorFlow.
    from tfrecords_tools import write

    try:
        content = write.build(
            flags.DATASET.value,
            flags.RAW_DIR.value,
            flags.OUT_DIR.value,
            encoding=flags.ENCODING.value,
            workers=flags.WORKERS.value,
            fold=flags.FOLD.value,
            seed=flags.SEED.value,
            split_dir=flags.SPLIT_DIR.value,
            command=" ".join(
                ["python -m tfrecords_tools.build", *sys.argv[1:]]
            ),
        )
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(summary(content))
    return 1 if content["skipped"] and not flags.SKIP_BAD.value else 0


def summary(content):
    """What a manifest holds, as lines of text."""
    lines = [
        f"{content['dataset']} {name}: {len(split['videos'])} videos in "
        f"{len(split['shards'])} shards"
        for name, split in content["splits"].items()
    ]
    if content["skipped"]:
        lines.append(f"{len(content['skipped'])} videos skipped:")
    lines += [
        f"  {bad['video']}: {bad['reason']}" for bad in content["skipped"]
    ]
    return "\n".join(lines)


def run():
    # TensorFlow greets on standard error, above what we have to say.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    absl_flags.mark_flags_as_required(["dataset", "raw_dir", "out_dir"])
    app.run(main)


if __name__ == "__main__":
    run()
