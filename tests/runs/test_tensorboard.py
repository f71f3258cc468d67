"""TensorBoard as a person opens it, and the tags that the docs list."""

import re
import subprocess
import sys

import numpy as np
import pytest
from browser import browser
from browser import needs_browser
from documented_tags import compared
from played_games import play
from toys import CLIP
from toys import SHUT

from priv_keras import callbacks
from priv_keras import metrics
from priv_keras.algorithms import Entropy
from priv_keras.algorithms import KBeam
from priv_keras.algorithms.restarts import Restarts
from priv_keras.reports import figures
from priv_keras.runs import tensorboard
from priv_keras.runs import turns

SCREENSHOTS = "tensorboard-screenshots"
NAMES = ("kick", "hug", "push")


@pytest.fixture
def played(make_game, data, tmp_path):
    """Folders of two runs with all that TensorBoard is told of."""
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


# What stands in a page, shadow roots included.
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
            *(sys.executable, "-m", "tensorboard.main", f"--logdir={played}"),
            *("--host=127.0.0.1", "--port=0", "--load_fast=false"),
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
                # For who looks at it: charts are drawn after their frames.
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
