"""The page as a person opens it, and what the program refuses."""

import re
import subprocess
import sys

import made_runs
import pytest
from browser import browser
from browser import complaints
from browser import needs_browser
from browser import overflow

# Where a test leaves what it saw, for people.
SCREENSHOTS = "report-screenshots"
NASTY = '<script>document.title = "taken"</script>"\''


def report(*args):
    return subprocess.run(
        [sys.executable, "-m", "priv_keras.report", *map(str, args)],
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for seed in range(2):
        made_runs.make(
            folder / f"entropy-{seed}",
            ["--budgets=a", f"--target_weights={NASTY}"],
            seed=seed,
            static=(0.2, 0.1),
        )
    made_runs.make(
        folder / "attributes",
        ["--budget_dataset=vispr"],
        method="downsample_4",
        attributes=[0.7, 0.4],
    )
    return folder


@pytest.fixture(scope="module")
def page(made, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "report"
    done = report(*sorted(made.iterdir()), f"--out={out}")
    assert done.returncode == 0, done.stderr
    return out


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_stands_alone(page, width, tmp_path_factory):
    with browser(width, 2500) as driver:
        driver.get((page / "index.html").as_uri())
        assert complaints(driver) == []
        assert overflow(driver) <= 0
        sizes = driver.execute_script(
            "return [...document.images].map(i => [i.naturalWidth, i.width])"
        )
        # trade-off, bars, gap, two games, two pictures and two loops;
        # trade-off, bars, attributes, a picture and a loop
        assert len(sizes) == 14
        assert all(drawn > 0 and shown > 0 for drawn, shown in sizes)
        assert driver.title == "priv_keras: 3 runs"
        asked = driver.execute_script(
            "return performance.getEntriesByType('resource')"
            ".filter(e => !e.name.startsWith('data:')).length"
        )
        assert asked == 0
        folder = tmp_path_factory.getbasetemp() / SCREENSHOTS
        folder.mkdir(exist_ok=True)
        driver.save_screenshot(str(folder / f"report-{width}.png"))


def test_what_runs_say_is_text(page):
    text = (page / "index.html").read_text()
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_attacks_are_in_one_table(page):
    text = (page / "index.html").read_text()
    (table,) = re.findall(r"Each attack</h3>.*?</table>", text, re.DOTALL)
    cells = re.findall(r"<t[hd]>(.*?)</t[hd]>", table)
    assert cells[:5] == ["clips", "runs", "retrained", "static", "any"]
    # Of two equal runs; an interval by Student's t has no width then.
    figures = [cell.partition(" ")[0] for cell in cells[5:]]
    assert figures == ["Entropy", "2", "0.400", "0.200", "0.400"]


def test_attackers_that_were_stopped_are_named(page):
    text = (page / "index.html").read_text()
    assert (
        text.count("Still learning when --attacker_steps ended: y. With") == 2
    )


def test_each_figure_is_a_file_too(page):
    names = {path.name for path in (page / "figures").iterdir()}
    stems = {name.rpartition(".")[0] for name in names}
    assert {"1-trade-off", "2-trade-off"} < stems
    assert names == {f"{s}.{kind}" for s in stems for kind in ("png", "svg")}


def test_pictures_are_left_out_when_told(made, tmp_path):
    done = report(made / "attributes", f"--out={tmp_path}", "--noshow_pictures")
    assert done.returncode == 0, done.stderr
    assert "raw frames" not in (tmp_path / "index.html").read_text()


def test_a_report_replaces_a_report_and_nothing_else(made, tmp_path):
    out = tmp_path / "out"
    for _ in range(2):
        assert report(made / "attributes", f"--out={out}").returncode == 0
    (out / "thesis.tex").write_text("")
    done = report(made / "attributes", f"--out={out}")
    assert done.returncode == 1
    assert "something else" in done.stderr
    assert (out / "thesis.tex").exists()


def test_a_run_that_was_not_judged_is_refused(tmp_path):
    done = report(tmp_path, f"--out={tmp_path / 'out'}")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert not (tmp_path / "out").exists()
