"""The study as its participants and its owner meet it."""

import json
import subprocess
import sys

import numpy as np
import pytest
from browser import browser
from browser import complaints
from browser import faint
from browser import needs_browser
from browser import overflow
from browser import reload
from made_answers import answers
from made_answers import key_of
from made_answers import right
from made_videos import sbu_folder
from run_programs import SMALL
from run_programs import run as run_program
from sklearn.metrics import precision_recall_fscore_support

from priv_keras.studies import questionnaire
from priv_keras.studies.answers import read_answers
from priv_keras.studies.answers import score_answers
from priv_keras.studies.answers import table
from tfrecords_tools import write

NASTY = '<script>document.title = "taken"</script> & "quotes"'
ASKED = questionnaire.questions(["kick", NASTY], ["face", "gender"], True)


def item(action, face, gender, condition="anonymized"):
    frames = np.random.default_rng(action).integers(0, 255, (3, 8, 8, 3))
    truth = questionnaire.truth_of(ASKED, action, [face, gender])
    return questionnaire.Item(frames.astype("uint8"), condition, truth)


@pytest.fixture
def study(tmp_path):
    items = [item(0, 1, 0), item(1, 1, 1), item(0, 0, -1)]
    page, key = questionnaire.build(items, ASKED, seed=0)
    (tmp_path / "index.html").write_text(page)
    (tmp_path / "key.json").write_text(key)
    return tmp_path


def score(folder, *paths):
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "priv_keras.human_study",
            "score",
            f"--out={folder}",
            *map(str, paths),
        ],
        capture_output=True,
        text=True,
    )


def unknown(truth, name):
    return questionnaire.UNKNOWN


def click_option(driver, name, value):
    for option in driver.find_elements("name", name):
        if option.get_attribute("value") == value:
            option.click()


DECODED = """const done = arguments[0];
    picture.decode().then(() => done(picture.naturalWidth))"""


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_participant_answers_reloads_and_saves(
    study, width, scheme, tmp_path_factory
):
    downloads = tmp_path_factory.mktemp("downloads")
    key = key_of(study)
    with browser(width, 900, downloads, scheme) as driver:
        driver.get((study / "index.html").as_uri())
        assert faint(driver) == []
        assert driver.title == "What do you see?"
        driver.find_element("id", "code").send_keys("p1")
        driver.find_element("css selector", "#start button").click()
        for number in range(1, 4):
            heading = driver.find_element("id", "count").text
            assert heading == f"Clip {number} of 3"
            assert overflow(driver) <= 0
            assert faint(driver) == []
            assert driver.execute_async_script(DECODED) == 8
            if number == 1:
                shots = tmp_path_factory.getbasetemp() / "study-screenshots"
                shots.mkdir(exist_ok=True)
                driver.save_screenshot(
                    str(shots / f"study-{width}-{scheme}.png")
                )
            click_option(driver, "action", NASTY)
            click_option(driver, "face", "yes")
            click_option(driver, "gender", "cannot tell")
            driver.find_element("id", "next").click()
            assert driver.switch_to.active_element.tag_name == "h1"
            if number == 1:  # clip 2, half answered, is as it was
                click_option(driver, "face", "no")
                reload(driver)
                assert (
                    driver.execute_script(
                        "return new FormData(questions).get('face')"
                    )
                    == "no"
                )
        driver.find_element("id", "save").click()
        path = downloads / "answers-p1.json"
        for _ in range(100):
            if path.exists():
                break
            driver.execute_async_script("setTimeout(arguments[0], 50)")
        assert complaints(driver) == []
    saved = json.loads(path.read_text())
    assert saved["study"] == key["study"]
    assert saved["answers"].keys() == key["clips"].keys()
    done = score(study, path)
    assert done.returncode == 0, done.stderr
    found = json.loads((study / "score.json").read_text())
    figures = {each["question"]: each for each in found}
    assert figures["action"]["accuracy"] == pytest.approx(1 / 3)
    # Said of all three that a face shows, which is so of two.
    assert figures["face"]["precision"] == pytest.approx(2 / 3)
    assert figures["face"]["recall"] == 1
    # Nobody knows of the third clip, so it does not ask.
    assert figures["gender"]["answers"] == 2
    assert figures["gender"]["unknown"] == 1
    assert figures["gender"]["f1"] == 0


DENY = """Object.defineProperty(
    window, "localStorage", {get() { throw new DOMException("denied"); }}
)"""


@needs_browser
@pytest.mark.parametrize("denied", [False, True])
def test_one_computer_serves_several_participants(study, denied):
    """The second of them has a code that was once a key of the page's own."""
    with browser() as driver:
        if denied:
            driver.execute_cdp_cmd(
                "Page.addScriptToEvaluateOnNewDocument", {"source": DENY}
            )
        driver.get((study / "index.html").as_uri())
        for code in ("p1", "last", "p1"):
            driver.find_element("id", "code").send_keys(code)
            driver.find_element("css selector", "#start button").click()
            assert driver.find_element("id", "clip").is_displayed()
            assert driver.find_element("id", "who").text == code
            assert driver.find_element("id", "unkept").is_displayed() == denied
            reload(driver)
            assert driver.find_element("id", "who").text == code
            driver.find_element("id", "other").click()
            assert not driver.find_element("id", "clip").is_displayed()
        assert complaints(driver) == []


def test_the_page_holds_no_truth_and_runs_no_label(study):
    page = (study / "index.html").read_text()
    key = key_of(study)
    assert "<script>document" not in page
    for clip, about in key["clips"].items():
        assert page.count(clip) == 1
        assert json.dumps(about["truth"]) not in page
    assert "condition" not in page


def test_clips_are_spread_over_the_classes():
    classes = [0] * 10 + [1] * 3 + [2] * 1
    chosen = questionnaire.spread(classes, 6, seed=0)
    assert [classes[i] for i in chosen].count(2) == 1
    assert 2 <= [classes[i] for i in chosen].count(1) <= 3
    assert questionnaire.spread(classes, 99, seed=0) == list(range(14))
    assert questionnaire.spread(classes, 6, seed=0) == chosen


def test_a_video_is_shown_one_way_however_often_it_is_shown():
    videos = [f"v{i}" for i in range(6)] + ["v4", "v1", "v0"]
    ways = questionnaire.assign(videos, ["anonymized", "raw"], seed=0)
    assert ways.keys() == set(videos)
    assert sorted(ways.values()) == ["anonymized"] * 3 + ["raw"] * 3
    assert ways == questionnaire.assign(videos, ["anonymized", "raw"], seed=0)
    assert set(questionnaire.assign(videos, ["raw"], seed=1).values()) == {
        "raw"
    }


def test_the_folder_says_what_is_raw():
    mixed = questionnaire.about([item(0, 1, 0, "raw"), item(1, 1, 1)])
    assert "1 of its 2 clips are RAW FOOTAGE" in mixed
    assert "RAW" not in questionnaire.about([item(0, 1, 0)])


def test_what_cannot_be_found_has_no_figure():
    """Neither recall, of what no clip shows, nor an interval."""
    _, key = questionnaire.build([item(0, 0, 0), item(1, 0, 1)], ASKED, seed=0)
    key = json.loads(key)
    said = {
        clip: dict.fromkeys(about["truth"], "no")
        for clip, about in key["clips"].items()
    }
    found = {
        each["question"]: each
        for each in score_answers(key, {"a": said, "b": said}, resamples=20)
    }
    names = ("precision", "recall", "f1", "interval")
    assert [found["face"][name] for name in names] == [None] * 4
    # Of gender there was one to find. Nobody did.
    gender = [found["gender"][name] for name in names]
    assert gender == [None, 0, 0, [0, 0]]
    assert "f1 none" in "\n".join(table(list(found.values())))


def test_figures_are_scikit_learns(study):
    rng = np.random.default_rng(0)

    def guess(truth, name):
        options = {q.name: q.options for q in ASKED}[name]
        return options[rng.integers(len(options))]

    key = key_of(study)
    everybody = {}
    for code in "abc":
        path = answers(study, code, guess)
        everybody[code] = read_answers(path.read_text(), key, path)[1]
    (face,) = (
        each
        for each in score_answers(key, everybody, resamples=50)
        if each["question"] == "face"
    )
    pairs = [
        (key["clips"][clip]["truth"]["face"] == "yes", said["face"] == "yes")
        for clips in everybody.values()
        for clip, said in clips.items()
    ]
    expected = precision_recall_fscore_support(
        *zip(*pairs, strict=True), average="binary", zero_division=0
    )
    found = [face["precision"], face["recall"], face["f1"]]
    np.testing.assert_allclose(found, expected[:3])
    low, high = face["interval"]
    assert 0 <= low <= face["f1"] <= high <= 1


def test_one_participant_has_no_interval(study):
    key = key_of(study)
    path = answers(study, "a", right)
    everybody = dict([read_answers(path.read_text(), key, path)])
    scores = score_answers(key, everybody)
    assert all(each["interval"] is None for each in scores)
    assert [each.get("accuracy", each.get("f1")) for each in scores] == [1] * 3


def test_conditions_are_told_apart():
    items = [item(0, 1, 0, "raw"), item(1, 1, 1)]
    _, key = questionnaire.build(items, ASKED, seed=0)
    key = json.loads(key)
    said = {
        clip: {
            name: right(about["truth"], name)
            if about["condition"] == "raw"
            else unknown(about["truth"], name)
            for name in about["truth"]
        }
        for clip, about in key["clips"].items()
    }
    found = {
        (each["condition"], each["question"]): each
        for each in score_answers(key, {"a": said})
    }
    assert found["raw", "action"]["accuracy"] == 1
    assert found["anonymized", "action"]["accuracy"] == 0
    assert found["anonymized", "action"]["unknown"] == 1


@pytest.mark.parametrize(
    "damage, says",
    [
        (lambda found: "{", "is not JSON"),
        (lambda found: "[" * 100_000, "is not JSON"),
        (
            lambda found: json.dumps({**found, "answers": {}}),
            "has no answers by clip",
        ),
        (lambda found: json.dumps([1]), "has no study, participant"),
        (lambda found: json.dumps({**found, "study": "x"}), "answers study"),
        (
            lambda found: json.dumps({**found, "participant": "../x"}),
            "no participant code",
        ),
        (
            lambda found: json.dumps({**found, "answers": {"x": {}}}),
            "answers clip 'x'",
        ),
        (
            lambda found: json.dumps(
                {**found, "answers": dict.fromkeys(found["answers"], {})}
            ),
            "has other questions",
        ),
        (
            lambda found: json.dumps(found).replace("cannot tell", "maybe"),
            "which is not an option",
        ),
    ],
)
def test_what_the_page_did_not_save_is_refused(study, damage, says):
    path = answers(study, "a", unknown)
    path.write_text(damage(json.loads(path.read_text())))
    done = score(study, path)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert says in line
    assert not (study / "score.json").exists()


def test_nobody_answers_twice(study):
    path = answers(study, "a", right)
    done = score(study, path, path)
    assert done.returncode == 1
    assert "participant a has already answered" in done.stderr


@pytest.mark.slow
def test_a_study_of_a_run(tmp_path):
    write.build("sbu", sbu_folder(tmp_path / "raw"), tmp_path / "shards")
    run_dir = tmp_path / "run"
    args = [*SMALL, "--max_iter=1", f"--data_dir={tmp_path / 'shards'}"]
    status, _, err = run_program("train", *args, f"--run_dir={run_dir}")
    assert status == 0, err
    out = tmp_path / "study"
    build = ["build", f"--run_dir={run_dir}", f"--out={out}", "--clips=2"]
    status, said, err = run_program(
        "human_study", *build, "--conditions=raw,anonymized"
    )
    assert status == 0, err
    assert "2 clips, 1 of them raw footage" in said
    assert "1 of its 2 clips are RAW" in (out / "README.txt").read_text()
    key = key_of(out)
    assert {c["condition"] for c in key["clips"].values()} == {
        "raw",
        "anonymized",
    }
    for clip in key["clips"].values():
        assert clip["truth"].keys() == {"action", "identity"}
    done = score(out, answers(out, "a", right))
    assert done.returncode == 0, done.stderr
    assert "accuracy 1.000" in done.stdout
    status, _, err = run_program("human_study", *build)
    assert status == 1
    assert "not empty" in err
    build[2] = f"--out={out / 'key.json'}"
    status, _, err = run_program("human_study", *build)
    assert status == 1
    assert "is a file" in err
