"""Many inputs at once, as a user gives them."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from made_films import read_film
from made_films import scene
from made_films import scenes
from made_films import write_film
from PIL import Image
from quick_anonymize import run

from priv_keras.films import jobs

slow = pytest.mark.slow


@pytest.fixture
def film(tmp_path, monkeypatch):
    """A film in the current folder."""
    monkeypatch.chdir(tmp_path)
    return write_film(tmp_path / "in.mp4", scenes(5))


def errors(done):
    return [line for line in done.errors if line.startswith("error: ")]


def test_what_is_no_file_is_named_and_the_others_are_made(film):
    os.symlink("gone.mp4", "dangling.mp4")
    os.symlink("loop.mp4", "loop.mp4")
    os.symlink("/dev/null", "null.mp4")
    os.mkfifo("pipe.mp4")  # opening it would wait for ever
    done = run("*.mp4", "/dev/zero", "gone.mp4", "-o", "out")
    wrong = ["dangling.mp4", "loop.mp4", "null.mp4", "pipe.mp4", "/dev/zero"]
    assert [line.split()[1] for line in errors(done)] == [*wrong, "gone.mp4"]
    assert all("is not a file" in line for line in errors(done)[:-1])
    assert done.errors[-1] == "6 of 7 films failed"
    assert done.status == 1
    assert sorted(os.listdir("out")) == ["in.mp4", "in.mp4.json"]
    alone = run("pipe.mp4")
    assert alone.errors[0].startswith("error: pipe.mp4 is not a file")
    assert (alone.status, len(alone.errors)) == (1, 1)


@pytest.mark.parametrize("fault", ["IndexError"])
def test_whatever_a_library_raises_is_one_line(film, fault):
    shutil.copy(film, "bad.mp4")
    done = run("bad.mp4", film, "-o", "out", fault=fault)
    assert errors(done) == [f"error: bad.mp4: a library failed with {fault}"]
    assert done.status == 1
    assert sorted(os.listdir("out")) == ["in.mp4", "in.mp4.json"]


def test_a_picture_with_damaged_tags_does_not_end_the_batch(film):
    exif = Image.Exif()
    exif[0x010E] = "x" * 40
    content = exif.tobytes()
    for i in range(8, len(content), 2):
        harmed = content[:i] + b"\xff" + content[i + 1 :]
        Image.fromarray(scene(1)).save(f"{i}.jpg", exif=harmed)
    done = run("*.jpg", film, "-o", "out", "-m")
    made = {name for name in os.listdir("out") if not name.endswith(".json")}
    assert "in.mp4" in made
    assert len(made) + len(errors(done)) == len(range(8, len(content), 2)) + 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--codec=none",), "There is no encoder"),
        (("--codec=aac",), "There is no encoder of films 'aac'"),
        (('--ffmpeg-config={"preset": "fastest"}',), "libx264"),
        (('--ffmpeg-config={"pixelformat": "blue"}',), "no pixelformat 'blue'"),
        (('--ffmpeg-config={"colour": "blue"}',), "colour"),
    ],
)
def test_an_encoder_that_fails_names_the_film(film, args, said):
    done = run(film.name, "-o", "out.mp4", *args)
    (error,) = errors(done)
    assert error.startswith("error: in.mp4: ")
    assert said in error
    assert os.listdir() == ["in.mp4"]


@pytest.mark.slow
def test_a_bitrate_may_have_a_unit(film):
    write_film(film, scenes(30, (160, 120)))
    sizes = []
    for rate in ('"9k"', "9000", '"2M"'):
        config = f'{{"bitrate": {rate}}}'
        done = run(film, "-o", f"{rate}.mp4", f"--ffmpeg-config={config}")
        assert done.status == 0, done.errors
        sizes.append(os.path.getsize(f"{rate}.mp4"))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.01)
    assert sizes[1] < 0.7 * sizes[2]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('{"bitrate": "fast"}', "a bitrate that is not a number"),
        ('{"bitrate": -5}', "a bitrate that is not a number"),
        ('{"bitrate": true}', "a bitrate that is not a number"),
        ('{"bitrate": null}', "a bitrate that is not a number"),
        ('{"codec": 5}', "a codec that is not a name"),
        ('{"preset": ["fast"]}', "a preset that is no text and no number"),
        ("[1]", "must be a JSON object"),
        ("[" * 99_999, "must be a JSON object"),
    ],
)
def test_the_options_of_an_encoder_are_checked(config, said):
    code = "import sys; from flags import anonymize as a; a.config(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, config], capture_output=True, text=True
    )
    assert f"ValueError: {said}" in done.stderr.replace(": has ", ": ")


NAMES = ["12:30.mp4", "file:z.mp4", "9:15.mp4", "a\nb.mp4", "é\udcff.mp4", "12"]


def test_any_name_is_read_and_written(film):
    for name in NAMES:
        shutil.copy(film, name)
    done = run(*NAMES)
    assert done.status == 0
    assert len(done.lines) == len(NAMES)  # a line break is no new line
    for name in NAMES:
        output = f"{name.removesuffix('.mp4')}_anonymized.mp4"
        assert len(read_film(os.path.abspath(output))[0]) == 5
    for name in ("9:15.mp4", "file:q.mp4"):
        assert run(film.name, "-o", name, "--force").status == 0
        assert os.path.exists(name + ".json")
    assert not [name for name in os.listdir() if name.endswith(".partial")]


def test_a_number_is_a_camera_only_without_such_a_file(film):
    os.rename(film, "12")
    listing = jobs.list_jobs(["12", "13"], None, preview=True)
    assert [job.output and job.output.name for job in listing.jobs] == [
        "12_anonymized.mp4",
        None,
    ]


def test_a_name_may_be_as_long_as_the_disk_allows(film):
    names = [
        letter * ((length - 4) // len(letter.encode())) + ".mp4"
        for length in (230, 244, 250, 255)
        for letter in ("a", "字")
    ]
    names.append(names[-1].replace(".mp4", ".avi"))  # else the same
    os.mkdir("raw")
    for name in names:
        shutil.copy(film, f"raw/{name}")
    assert run("raw", "-o", "out").status == 0
    found = os.listdir("out")
    assert len(found) == 2 * len(names)
    assert {x for x in names[:-1] if len(x.encode()) <= 250} < {*found}
    os.chdir("raw")
    assert run(names[-2]).status == 0
    assert len(os.listdir()) == len(names) + 2


def test_a_pattern_of_one_match_fills_a_folder(film):
    os.mkdir("there.mp4")
    for output, expected in {
        **{x: f"{x}/in.mp4" for x in ("new", "n.d/", "n.mp4/", "there.mp4")},
        "out.mp4": "out.mp4",
    }.items():
        (job,) = jobs.list_jobs(["i*.mp4"], output).jobs
        assert job.output == pathlib.Path(expected)


def test_files_of_operating_systems_are_left_out_and_counted(film):
    for name in (
        "._in.mp4",
        "Thumbs.db",
        "desktop.ini",
        ".DS_Store",
        "deep/._a.jpg",
        "__MACOSX/in.mp4",
        "@eaDir/in.mp4",
        "$RECYCLE.BIN/x.avi",
    ):
        path = film.parent / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0\5\x16\7")
    shutil.copy(film, "raw/deep/A.AVI")
    done = run("raw", "-o", "out")
    assert done.status == 0
    assert done.errors[0].startswith("skipped: 8 files and folders that are hi")
    assert sorted(os.listdir("out/deep")) == ["A.AVI.mp4", "A.AVI.mp4.json"]
    assert os.listdir("out") == ["deep"]
    done = run(*jobs_of("raw"), film, "-o", "out")  # as a shell expands raw/*
    assert done.status == 0
    assert not errors(done)


def jobs_of(folder):
    return [f"{folder}/{x}" for x in ("Thumbs.db", "desktop.ini", "._in.mp4")]


def test_a_file_of_such_a_name_is_read_if_it_is_asked_for(film):
    os.rename(film, "._in.mp4")
    assert run("._in.mp4").status == 0


LEFT_BY_SYSTEMS = [
    "$RECYCLE.BIN/S-1/$R1.mp4",
    "@eaDir/in.mp4/SYNOPHOTO_THUMB_M.jpg",
    "__MACOSX/in.mp4",
    "lost+found/in.mp4",
    ".Trash-1000/files/deleted.mp4",
    ".nfs0001.mp4",
    ".fuse_hidden01.mp4",
    ".hidden.mp4",
    "~$in.mp4",
]


@pytest.fixture
def left(film):
    """A folder of one film and of what systems leave beside it."""
    for name in LEFT_BY_SYSTEMS:
        path = film.parent / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(film, path)
    shutil.copy(film, "raw/in.mp4")
    return film.parent / "raw"


@pytest.mark.parametrize(
    "sources",
    [
        ["raw"],
        ["raw/*"],
        ["raw/**/*.mp4"],
        ["r*/*/*", "raw/in.mp4"],
        [f"raw/{name.split('/')[0]}" for name in LEFT_BY_SYSTEMS]
        + ["raw/in.mp4"],
    ],
)
def test_nothing_that_systems_leave_is_anonymized(left, sources):
    listing = jobs.list_jobs(sources, "out")
    assert [job.source for job in listing.jobs] == ["raw/in.mp4"]
    assert listing.errors == []


def test_a_folder_of_such_a_name_is_read_if_it_is_asked_for(left, monkeypatch):
    for source in (".Trash-1000", "$RECYCLE.BIN", ".Trash-1000/*/*.mp4"):
        source = f"raw/{source}"
        assert len(jobs.list_jobs([source], "out").jobs) == 1
    monkeypatch.chdir(left)
    shutil.copy("in.mp4", "../other.mp4")
    assert len(jobs.list_jobs([".", "../other.mp4"], "../out").jobs) == 2


SUFFIXES = [
    "AVI",
    "vob",
    "mxf",
    "asf",
    "3g2",
    "dv",
    "flv",
    "M2V",
    "Mts",
    "h264",
]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_holds_films_of_any_suffix(tmp_path, suffix):
    (tmp_path / f"a.{suffix}").touch()
    listing = jobs.list_jobs([str(tmp_path)], str(tmp_path / "out"))
    assert [job.output.name for job in listing.jobs] == [f"a.{suffix}.mp4"]


def test_linked_folders_are_read_once(film):
    os.makedirs("raw/b")
    os.makedirs("other")
    shutil.copy(film, "raw/b/1.mp4")
    shutil.copy(film, "other/2.mp4")
    os.symlink("b", "raw/a")  # comes first, but is a link
    os.symlink("..", "raw/b/up")
    os.symlink("../other", "raw/linked")
    listing = jobs.list_jobs(["raw"], "out")
    assert [str(job.output) for job in listing.jobs] == [
        "out/b/1.mp4",
        "out/linked/2.mp4",
    ]


def test_a_broken_link_in_a_folder_is_named(film):
    os.mkdir("raw")
    shutil.copy(film, "raw/1.mp4")
    os.symlink("gone", "raw/2.mp4")
    os.mkfifo("raw/3.mp4")
    listing = jobs.list_jobs(["raw"], "out")
    assert len(listing.jobs) == 1
    assert [line.split()[0] for line in listing.errors] == [
        "raw/2.mp4",
        "raw/3.mp4",
    ]


@pytest.fixture(scope="module")
def done_before(tmp_path_factory):
    """A folder of films, and the outputs of an earlier run over it."""
    folder = tmp_path_factory.mktemp("batch")
    raw, out = folder / "raw", folder / "out"
    raw.mkdir()
    for i in range(3):
        write_film(raw / f"{i}.mp4", scenes(4 + i))
    Image.fromarray(scene(0)).save(raw / "3.png")
    assert run(raw, "-o", out).status == 0
    return folder


@pytest.fixture
def batch(done_before, tmp_path, monkeypatch):
    """A copy of that folder, which is the current folder."""
    shutil.copytree(done_before, tmp_path / "batch")
    monkeypatch.chdir(tmp_path / "batch")


def written():
    times = {
        name: os.stat(f"out/{name}").st_mtime_ns for name in os.listdir("out")
    }
    return {k: v for k, v in times.items() if not k.endswith(".json")}


def test_the_same_command_again_makes_what_is_missing(batch):
    os.remove("out/1.mp4")
    os.remove("out/1.mp4.json")
    os.remove("out/2.mp4")  # its log is left
    before = written()
    done = run("raw", "-o", "out/")
    assert done.status == 0
    assert [line.split(":")[0] for line in done.lines] == [
        "out/1.mp4",
        "out/2.mp4",
    ]
    assert done.errors[0].startswith("note: 2 of 4 outputs are kept")
    after = written()
    assert {name: after[name] for name in before} == before
    done = run("raw", "-o", "out", "--batch_size=3")  # changes no output
    assert done.status == 0
    assert done.errors[0].startswith("note: 4 of 4 outputs are kept")
    assert not done.lines
    done = run("raw", "-o", "out", "--force")
    assert len(done.lines) == 4
    assert not any("kept" in line for line in done.errors)


@pytest.mark.slow
def test_a_pattern_that_matches_earlier_outputs_makes_nothing_of_them(film):
    shutil.copy(film, "two.mp4")
    for output in ([], ["-o", "out"]):
        pattern = "**/*.mp4" if output else "*.mp4"
        for kept in (0, 2):
            done = run(pattern, *output)
            assert done.status == 0, done.errors
            assert len(done.lines) == 2 - kept
        for name in os.listdir():  # what follows begins anew
            if "_anonymized" in name:
                os.remove(name)
    found = [f for _, _, names in os.walk(".") for f in names]
    assert sorted(f for f in found if f.endswith(".mp4")) == [
        "in.mp4",
        "in.mp4",
        "two.mp4",
        "two.mp4",
    ]


def test_an_input_that_would_be_lost_is_refused_with_a_log_or_without(film):
    assert run(film.name, "-o", "out.mp4").status == 0
    for args in (("out.mp4", "-o", "."), ("in.mp4", "out.mp4", "-o", ".")):
        done = run(*args, "--force")
        assert done.status == 1
        assert "is an input: it would be lost" in done.errors[-1]


def damage_output():
    with open("out/1.mp4", "ab") as file:
        file.write(b"x")


def damage_log():
    with open("out/1.mp4.json", "w") as file:
        file.write("{}")


def lose_log():
    os.remove("out/1.mp4.json")


def change_input():
    shutil.copy("raw/0.mp4", "raw/1.mp4")


def change_model():
    path = pathlib.Path("out/1.mp4.json")
    log = json.loads(path.read_text())
    log["model"]["name"] = "downsample_2"
    path.write_text(json.dumps(log))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (damage_output, "It is not the file that its log describes"),
        (change_input, "It was made of another input"),
        pytest.param(damage_log, "Its log is damaged", marks=slow),
        pytest.param(lose_log, "It has no log", marks=slow),
        pytest.param(change_model, "It was made by another model", marks=slow),
    ],
)
def test_what_is_not_whole_is_named_and_stays(batch, change, said):
    change()
    os.remove("out/0.mp4")
    before = written()
    done = run("raw", "-o", "out")
    assert done.status == 1
    (error,) = errors(done)
    assert error.startswith("error: out/1.mp4 exists. Say --force to replace")
    assert said in error
    after = written()
    assert {name: after[name] for name in before} == before
    assert "0.mp4" in after


@pytest.mark.slow
def test_other_flags_make_another_output(batch):
    done = run("raw", "-o", "out", "--crf=30", "--keep_metadata")
    assert done.status == 1
    assert len(errors(done)) == 4
    assert "other flags: --crf, --keep_metadata." in errors(done)[0]


@pytest.mark.slow
def test_outputs_without_logs_are_not_kept(batch):
    done = run("raw", "-o", "out", "--noaudit")
    assert done.status == 1
    assert "Without a log, nothing says whether" in errors(done)[0]


def test_a_failure_to_publish_leaves_neither_file(film):
    paths = [film.with_name("out.mp4.json"), film.with_name("out.mp4")]
    with (
        pytest.raises(FileNotFoundError),
        jobs.whole_or_none(paths) as partial,
    ):
        partial[0].write_text("a log without its film")
    assert os.listdir() == ["in.mp4"]


def test_an_output_is_what_the_model_made(film):
    assert run(film).status == 0
    found, _ = read_film("in_anonymized.mp4")
    assert np.abs(255 - found.astype(int) - np.stack(scenes(5))).mean() < 14
