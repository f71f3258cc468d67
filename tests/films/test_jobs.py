import os
import pathlib

import pytest

from priv_keras.films.jobs import Job
from priv_keras.films.jobs import check_absent
from priv_keras.films.jobs import list_jobs
from priv_keras.films.jobs import whole_or_none


@pytest.fixture(autouse=True)
def tree(tmp_path, monkeypatch):
    """A folder of films and other files, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "a.mp4",
        "b.avi",
        "c.JPG",
        "notes.txt",
        "x[1].mp4",
        "films/one.mp4",
        "films/two/one.mp4",
        "films/two/p.png",
        "films/two/notes.txt",
        "films/three/old.wmv",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def pairs(sources, output=None, **options):
    found = list_jobs(sources, output, **options).jobs
    return {job.source: str(job.output) for job in found}


def test_a_file_has_its_output_beside_it():
    assert pairs(["a.mp4", "b.avi", "films/one.mp4", "c.JPG"]) == {
        "a.mp4": "a_anonymized.mp4",
        "b.avi": "b_anonymized.mp4",
        "films/one.mp4": "films/one_anonymized.mp4",
        "c.JPG": "c_anonymized.JPG",
    }


def test_one_file_has_the_output_that_is_named():
    assert pairs(["a.mp4"], "out.mkv") == {"a.mp4": "out.mkv"}
    assert pairs(["a.mp4"], "films") == {"a.mp4": "films/a.mp4"}
    assert pairs(["a.mp4"], "new/") == {"a.mp4": "new/a.mp4"}
    assert pairs(["a.mp4"], "new") == {"a.mp4": "new/a.mp4"}
    assert pairs(["a.mp4"], "-") == {"a.mp4": "-"}
    assert pairs(["c.JPG"], "out.png") == {"c.JPG": "out.png"}


def test_several_files_have_a_folder():
    assert pairs(["a.mp4", "b.avi"], "out") == {
        "a.mp4": "out/a.mp4",
        "b.avi": "out/b.avi.mp4",
    }
    # Also while one is missing: the same command will make it later.
    assert pairs(["a.mp4", "gone.mp4"], "out.mp4") == {"a.mp4": "out.mp4/a.mp4"}


def test_a_folder_is_mirrored():
    listing = list_jobs(["films"], "out")
    assert {job.source: str(job.output) for job in listing.jobs} == {
        "films/one.mp4": "out/one.mp4",
        "films/two/one.mp4": "out/two/one.mp4",
        "films/two/p.png": "out/two/p.png",
        "films/three/old.wmv": "out/three/old.wmv.mp4",
    }
    assert listing.skipped == ["films/two/notes.txt"]
    assert (listing.errors, listing.system) == ([], 0)
    kinds = {job.source: job.kind for job in listing.jobs}
    assert kinds["films/two/p.png"] == "picture"
    assert kinds["films/one.mp4"] == "video"


def test_outputs_within_a_folder_are_no_inputs():
    first = pairs(["films"], "films/out")
    for output in first.values():
        path = pathlib.Path(output)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert pairs(["films"], "films/out") == first


def test_a_link_that_leads_to_itself_is_an_error_of_its_own():
    os.symlink("self.mp4", "films/self.mp4")
    os.symlink("other.mp4", "films/two/each.mp4")
    os.symlink("each.mp4", "films/two/other.mp4")
    listing = list_jobs(["films"], "out")
    assert [error.split()[0] for error in listing.errors] == [
        "films/self.mp4",
        "films/two/each.mp4",
        "films/two/other.mp4",
    ]
    assert len(listing.jobs) == 4


def test_a_picture_that_cannot_be_written_becomes_another():
    pathlib.Path("films/p.heic").touch()
    assert pairs(["films/p.heic"]) == {"films/p.heic": "films/p_anonymized.jpg"}
    assert pairs(["films"], "out")["films/p.heic"] == "out/p.heic.jpg"


def test_globs():
    found = {"a.mp4": "out/a.mp4", "x[1].mp4": "out/x[1].mp4"}
    assert pairs(["*.mp4"], "out") == found
    assert pairs(["x[1].mp4"], "out.mp4") == {"x[1].mp4": "out.mp4"}
    assert pairs(["films/**/p.*"], "out/") == {"films/two/p.png": "out/p.png"}


def test_cameras_streams_and_pipes():
    assert pairs(["0"], "out.mp4") == {"0": "out.mp4"}
    assert pairs(["0"], preview=True) == {"0": "None"}
    assert pairs(["rtsp://h/s"], "out.mkv") == {"rtsp://h/s": "out.mkv"}
    assert pairs(["http://h/a.jpg"], "o.mp4") == {"http://h/a.jpg": "o.mp4"}
    assert pairs(["-"], "-") == {"-": "-"}
    pathlib.Path("0").touch()  # a file takes precedence over a camera
    assert pairs(["0"]) == {"0": "0_anonymized.mp4"}


@pytest.mark.parametrize(
    ("sources", "output", "message"),
    [
        (["missing.mp4"], None, "missing.mp4 does not exist"),
        (["*.wav"], "out", r"\*.wav does not exist"),
        (["films"], None, "films is a folder. Name another"),
        (["films"], "-", "films is a folder. Name another"),
        (["a.mp4", "b.avi"], "-", "Only one film fits"),
        (["0"], None, "0 needs --output or --preview"),
        (["http://a:b@h/s"], None, "^http://h/s needs --output"),
        (["-"], None, "- needs --output or --preview"),
        (["0", "a.mp4"], "out", "0 needs a file of its own"),
        (["a.mp4"], "a.mp4", "a.mp4 is an input: it would be lost"),
        (["a.mp4"], "./films/../a.mp4", "is an input: it would be lost"),
        (["a.mp4"], "link.mp4", "link.mp4 is an input"),
        (["a.mp4"], "hard.mp4", "hard.mp4 is an input"),
        (["films"], "films", "films/one.mp4 is an input"),
        (["a.mp4", "films/one.mp4"], ".", "a.mp4 is an input"),
        (["films/one.mp4", "films/two/one.mp4"], "out", "would both become"),
        (["a.mp4"], "out.txt", "out.txt must end in .mp4, .m4v"),
        (["0"], "out", "0 needs a file of its own"),
        (["c.JPG"], "out.mp4", "must end in .jpg.*: the input is a picture"),
        (["a.mp4", "b.avi"], "c.JPG", "c.JPG is a file; for several"),
        (["films"], "a.mp4", "a.mp4 is a file; for several"),
    ],
)
def test_refusals(sources, output, message):
    os.symlink("a.mp4", "link.mp4")
    os.link("a.mp4", "hard.mp4")
    with pytest.raises(ValueError, match=message):
        list_jobs(sources, output)


def test_a_folder_without_films_is_refused(tmp_path):
    pathlib.Path("texts").mkdir()
    pathlib.Path("texts/a.txt").touch()
    with pytest.raises(ValueError, match="There is no film in texts"):
        list_jobs(["texts"], "out")


def test_files_of_a_job():
    job = Job("a.mp4", pathlib.Path("out/a.mp4"), "video")
    log, film = job.files(audit=True)
    assert (str(log), str(film)) == ("out/a.mp4.json", "out/a.mp4")
    assert job.files(audit=False) == [film]
    assert Job("-", "-", "raw").files(audit=True) == []


def test_files_appear_when_they_are_whole():
    paths = [pathlib.Path("new/log"), pathlib.Path("new/film.mp4")]
    with whole_or_none(paths) as partial:
        for path in partial:
            assert path.parent == pathlib.Path("new")
            path.write_text("whole")
        assert not any(path.exists() for path in paths)
    assert sorted(os.listdir("new")) == ["film.mp4", "log"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_or_not_at_all(error):
    pathlib.Path("film.mp4").write_text("old")
    with (
        pytest.raises(error),
        whole_or_none([pathlib.Path("film.mp4")], force=True) as partial,
    ):
        partial[0].write_text("half")
        raise error
    assert pathlib.Path("film.mp4").read_text() == "old"
    assert not list(pathlib.Path().glob("*.partial"))


def test_what_exists_stays_unless_forced():
    path = pathlib.Path("film.mp4")
    with (
        pytest.raises(FileExistsError, match="film.mp4 exists. Say --force"),
        whole_or_none([path]) as partial,
    ):
        partial[0].write_text("new")
        path.write_text("another's")  # in the meantime
    assert path.read_text() == "another's"
    with whole_or_none([path], force=True) as partial:
        partial[0].write_text("new")
    assert path.read_text() == "new"
    with pytest.raises(IsADirectoryError, match="films is a folder"):
        check_absent([pathlib.Path("films")], force=True)
