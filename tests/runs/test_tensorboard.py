"""What TensorBoard shows, from its files and in a browser."""

import re
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from browser import browser
from browser import needs_browser
from documented_tags import compared
from played_games import play
from played_games import values
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.pr_curve import summary
from toys import CLIP
from toys import SHUT
from toys import toy_batch

from priv_keras import callbacks
from priv_keras import metrics
from priv_keras.algorithms import GRL
from priv_keras.algorithms import Entropy
from priv_keras.algorithms import KBeam
from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.restarts import Restarts
from priv_keras.reports import figures
from priv_keras.runs import tensorboard
from priv_keras.runs import turns

SCREENSHOTS = "tensorboard-screenshots"
NAMES = ("kick", "hug", "push")


@pytest.fixture
def played(make_game, data, tmp_path):
    """A folder of two runs with everything that TensorBoard shows."""
    for algorithm in (Entropy, KBeam):
        run_dir = tmp_path / algorithm.__name__
        game = make_game(
            algorithm,
            num_budgets=2,
            target_gate=SHUT,
            budget_gate=SHUT,
            restarts=Restarts(2, SHUT),
        )
        clips = np.random.rand(3, *CLIP).astype("float32")
        with turns.open_events(run_dir, 0) as writer:
            log = callbacks.TurnLog(run_dir, writer, 4, print)
            play(game, data, [log, callbacks.BeforeAfter(writer, clips)])
        judged(run_dir, algorithm.__name__)
    return tmp_path


def judged(run_dir, method):
    labels = np.array([0, 1, 2, 2])
    confusion = metrics.confusion(labels, np.array([0, 1, 1, 2]), 3)
    counts = metrics.threshold_counts(np.eye(3), np.eye(3) - 0.5)
    sides = ("raw", "anonymized")
    points = {f"{side}/A_{party}": 0.5 for side in sides for party in "TB"}
    with tensorboard.result_writer(run_dir, 4):
        tensorboard.write_result({"method": method, "gamma": 1.5}, points)
        for side in sides:
            for party in ("actions", "private"):
                name = f"{side}/{party}"
                drawn = figures.confusion(confusion, NAMES, name)
                tensorboard.write_figure(f"confusion/{name}", drawn)
            tag = f"precision_recall/{side}/private"
            tensorboard.write_curves(tag, counts, NAMES)


def test_tensorboard_is_told_what_the_docs_list(played):
    assert compared(*played.iterdir()) == (set(), set())


def test_speed_is_of_the_clips_of_a_turn(make_game, tmp_path):
    def slowly():
        while True:
            time.sleep(0.05)
            yield toy_batch(size=4)

    types = {
        k: tf.TensorSpec(v.shape, v.dtype) for k, v in toy_batch(4).items()
    }
    slow = tf.data.Dataset.from_generator(slowly, output_signature=types)
    # A batch for f_A, two updates of f_B and three readings of its gate.
    game = make_game(GRL, budget_gate=Gate(1.0, 2))
    play(game, slow, [], epochs=1)
    waited, clips = game.input_figures()
    assert clips == 4 * 6 + 8  # 8 in the validation batch of f_T's gate
    assert waited > 0.1  # out of 0.3, since it reads ahead
    speed = tensorboard.speed(2.0, waited, clips)
    assert speed["speed/clips_per_second"] == clips / 2
    assert speed["speed/input_wait_share"] == waited / 2


def test_a_judged_run_can_be_compared_in_tensorboard(tmp_path):
    # Two checkpoints, the second judged twice.
    for turns_played, figure in ((56, 0.4), (70, 0.3), (70, 0.2)):
        with tensorboard.result_writer(tmp_path, turns_played):
            tensorboard.write_result(
                {"method": "entropy", "gamma": 1.5}, {"anonymized/A_B": figure}
            )
    found = list(values(tmp_path / "tensorboard"))
    points = {
        step: tf.make_ndarray(value.tensor)
        for value, step in found
        if value.tag == "anonymized/A_B"
    }
    assert points == {56: pytest.approx(0.4), 70: pytest.approx(0.2)}
    for session in (
        plugin_data_pb2.HParamsPluginData.FromString(
            value.metadata.plugin_data.content
        ).session_start_info
        for value, _ in found
        if value.tag == metadata.SESSION_START_INFO_TAG
    ):
        assert session.hparams["gamma"].number_value == 1.5
        assert session.hparams["method"].string_value == "entropy"


def test_curves_are_tensorboards_own(tmp_path):
    labels = np.array([[1, 0], [0, 1], [1, 1], [0, -1], [1, 0]])
    logits = np.array([[2.0, -1], [1, 0], [-1, 3], [-2, 9], [0, -3]])
    counts = metrics.threshold_counts(labels, logits, thresholds=11)
    with tensorboard.result_writer(tmp_path, 3):
        tensorboard.write_curves("curve", counts, ["face", "hair"])
    found = {
        v.tag: tf.make_ndarray(v.tensor)
        for v, _ in values(tmp_path / "tensorboard")
    }
    for i, name in enumerate(("face", "hair")):
        known = labels[:, i] >= 0
        expected = summary.pb(
            "x",
            labels[known, i].astype(bool),
            1 / (1 + np.exp(-logits[known, i])),
            num_thresholds=11,
        )
        np.testing.assert_allclose(
            found[f"curve/{name}/pr_curves"],
            tf.make_ndarray(expected.value[0].tensor),
            atol=1e-6,
        )


# Returns the text and the number of pictures in a page, shadow roots included.
DEEP = """
const found = {text: [], pictures: 0};
function walk(root) {
  for (const node of root.querySelectorAll('*')) {
    if (node.tagName === 'IMG' && node.naturalWidth > 20) found.pictures++;
    if (node.shadowRoot) walk(node.shadowRoot);
    for (const child of node.childNodes)
      if (child.nodeType === 3) found.text.push(child.textContent);
  }
}
walk(document);
return [found.text.join(' '), found.pictures];
"""


@needs_browser
@pytest.mark.slow
def test_tensorboard_shows_scalars_pictures_and_settings(
    played, tmp_path_factory
):
    from selenium.webdriver.support.ui import WebDriverWait

    shots = tmp_path_factory.getbasetemp() / SCREENSHOTS
    shots.mkdir(exist_ok=True)
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tensorboard.main",
            f"--logdir={played}",
            "--host=127.0.0.1",
            "--port=0",
            "--load_fast=false",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = next(
            found.group()
            for line in server.stderr
            if (found := re.search(r"http://127.0.0.1:\d+/", line))
        )
        with browser(width=1400, height=1000) as driver:

            def seen(tab, *words, pictures=0):
                driver.get(f"{address}#{tab}")
                driver.refresh()

                def shown(_):
                    text, count = driver.execute_script(DEEP)
                    return count >= pictures and all(w in text for w in words)

                WebDriverWait(driver, 60, 0.5).until(shown)
                # For people who look at it: charts are drawn late.
                driver.execute_async_script("setTimeout(arguments[0], 3000)")
                driver.save_screenshot(str(shots / f"{tab}.png"))

            seen("timeseries", "anonymizer", "target", "speed")
            seen("scalars", "anonymizer", "gradient_norm")
            seen("images", "confusion", pictures=2)
            seen("images&tagFilter=pictures", "pictures/moving", pictures=4)
            seen("hparams", "method", "gamma", "Entropy", "KBeam")
    finally:
        server.terminate()
        server.wait()
