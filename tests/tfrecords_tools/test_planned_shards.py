"""What becomes of one video: a record, or a line that says why not."""

import json
import os

import pytest
from made_videos import write_avi
from made_videos import write_pngs

from tfrecords_tools import schema
from tfrecords_tools import shards
from tfrecords_tools.sources.listing import Video

OPTIONS = {"size": (32, 24), "squash": False, "encoding": "jpeg"}


def record(raw_dir, name):
    work = shards.Work(str(raw_dir), 1, OPTIONS)
    return shards.record(Video(name, "train", {"action": 0}), work)


def reason(raw_dir, name):
    found = record(raw_dir, name)
    assert found.content is None
    json.dumps(found.reason).encode()
    assert "\n" not in found.reason
    return found.reason


def test_what_is_left_out_of_a_video_is_told_beside_its_record(tmp_path):
    write_pngs(tmp_path / "v", 3)
    for path in list((tmp_path / "v").iterdir()):
        (tmp_path / "v" / path.name.replace("rgb", "depth")).touch()
    found = record(tmp_path, "v")
    assert schema.count_frames(found.content) == 3
    assert "rgb_# is taken" in found.warnings[0]


@pytest.mark.parametrize(
    "name", ["a\nb.avi", "a\x1b[2J.avi", os.fsdecode(b"a\xff.avi"), "a\0.avi"]
)
def test_a_name_that_is_no_text_of_one_line_is_refused(tmp_path, name):
    if "\0" not in name:
        write_avi(tmp_path / "v.avi", 3)
        (tmp_path / "v.avi").rename(tmp_path / name)
    assert "Its name has a line end" in reason(tmp_path, name)


def test_what_leads_out_of_the_raw_folder_is_refused(tmp_path):
    raw, other = tmp_path / "raw", tmp_path / "other"
    write_avi(other / "a.avi", 3)
    write_pngs(other / "frames", 3)
    write_pngs(raw / "v", 2)
    (raw / "link.avi").symlink_to(other / "a.avi")
    (raw / "folder").symlink_to(other / "frames")
    (raw / "v" / "rgb_000003.png").symlink_to(other / "frames/rgb_000003.png")
    for name in ("../other/a.avi", "link.avi", "folder", "v", "folder/*.png"):
        assert "leads out of --raw_dir" in reason(raw, name)
    assert record(raw, str(other / "a.avi")).content  # as a CSV may say
    (tmp_path / "same").symlink_to(raw)
    (raw / "v" / "rgb_000003.png").unlink()
    (raw / "again").symlink_to(raw / "v")
    assert record(tmp_path / "same", "v").content
    assert record(raw, "again").content
    assert record(raw, "v/../v").content


def test_pipes_devices_and_links_to_nothing_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.avi")
    (tmp_path / "gone.avi").symlink_to(tmp_path / "nowhere.avi")
    assert "pipe.avi is not a file" in reason(tmp_path, "pipe.avi")
    assert "a file that is missing" in reason(tmp_path, "gone.avi")
    assert "is not a file" in reason(tmp_path, "/dev/zero")
