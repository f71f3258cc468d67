"""Shards of small videos, and flags to read them by."""

from absl import flags as absl_flags
from absl.testing import flagsaver
from made_videos import sbu_folder

from tfrecords_tools import write

if not absl_flags.FLAGS.is_parsed():
    absl_flags.FLAGS.mark_as_parsed()


def build_sbu(folder, takes=4):
    """Builds `folder/sbu`."""
    raw = sbu_folder(folder / "raw", takes=takes)
    write.build("sbu", raw, folder, size=(43, 32))


def reading_sbu(folder, **more):
    """Opens a context in which flags are those of a run on `folder/sbu`."""
    return flagsaver.flagsaver(
        dataset="sbu",
        data_dir=str(folder),
        size=32,
        frame_width=43,
        frame_height=32,
        batch_size=2,
        **more,
    )
