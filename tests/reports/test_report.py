"""The page of a report in a browser, and what the program refuses."""

import base64
import re
import subprocess
import sys

import made_runs
import pytest
from browser import browser
from browser import complaints
from browser import faint
from browser import needs_browser
from browser import overflow

from priv_keras.reports import page as pages
from priv_keras.runs.run import load_run

# Where tests leave screenshots for people to look at.
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


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A page with all games, baselines and attacks."""
    made = made_runs.make_all(tmp_path_factory.mktemp("many"))
    out = tmp_path_factory.mktemp("crowded") / "report"
    done = report(*made, f"--out={out}")
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def shots(tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / SCREENSHOTS
    folder.mkdir(exist_ok=True)
    return folder


def shoot(driver, path):
    """Takes a picture of the whole page."""
    width, height = driver.execute_script(
        "return [innerWidth, document.documentElement.scrollHeight]"
    )
    clip = {"x": 0, "y": 0, "scale": 1, "width": width}
    shot = driver.execute_cdp_cmd(
        "Page.captureScreenshot",
        {
            "captureBeyondViewport": True,
            "clip": {**clip, "height": min(height, 12_000)},
        },
    )
    path.write_bytes(base64.b64decode(shot["data"]))


OUTSIDE = """
return [...document.querySelectorAll("td, th[scope=row], figure, pre")]
  .filter((element) => element.getClientRects().length)
  .filter((element) => {
    const {left, right, width} = element.getBoundingClientRect();
    return width < 1 || left < 0 || right > window.innerWidth;
  }).map((element) => element.outerHTML.slice(0, 80));
"""


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 760, 1280])
@pytest.mark.parametrize(
    "kind", ["page", pytest.param("crowded", marks=pytest.mark.slow)]
)
def test_a_page_fits_its_window_and_stands_alone(
    kind, width, scheme, shots, request
):
    index = request.getfixturevalue(kind) / "index.html"
    with browser(width, 900, scheme=scheme) as driver:
        driver.get(index.as_uri())
        driver.execute_script(
            "for (const d of document.querySelectorAll('details'))"
            "  d.open = true"
        )
        assert complaints(driver) == []
        assert overflow(driver) <= 0
        assert driver.execute_script(OUTSIDE) == []
        assert faint(driver) == []
        sizes = driver.execute_script(
            "return [...document.images].map(i => [i.naturalWidth, i.width])"
        )
        assert all(drawn > 0 and shown > 0 for drawn, shown in sizes)
        asked = driver.execute_script(
            "return performance.getEntriesByType('resource')"
            ".filter(e => !e.name.startsWith('data:')).length"
        )
        assert asked == 0
        shoot(driver, shots / f"report-{kind}-{width}-{scheme}.png")


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_a_t_and_a_b_of_each_row_are_in_view(crowded, width):
    with browser(width, 900) as driver:
        driver.get((crowded / "index.html").as_uri())
        for name in ("A_T", "A_B"):
            cells = driver.find_elements(
                "css selector", f"td[data-label={name}]"
            )
            assert len(cells) == 2 + 22
            for cell in cells:
                box = cell.rect
                assert cell.text.strip()
                assert 0 <= box["x"] <= box["x"] + box["width"] <= width


@needs_browser
def test_the_page_is_read_out_in_order(page):
    """It has a language, a title, headings and texts for its pictures."""
    with browser() as driver:
        driver.get((page / "index.html").as_uri())
        assert driver.title == "priv_keras: 3 runs"
        assert driver.execute_script("return document.documentElement.lang")
        levels = [
            int(heading.tag_name[1])
            for heading in driver.find_elements(
                "css selector", "h1, h2, h3, h4, h5"
            )
        ]
        assert levels[0] == 1 and levels.count(1) == 1
        steps = zip(levels, levels[1:], strict=False)
        assert all(after <= before + 1 for before, after in steps)
        images = driver.find_elements("tag name", "img")
        # trade-off, two attackers, two gaps; of each of two runs the game and
        # two pictures. Trade-off, two attackers, attributes, two pictures.
        assert len(images) == 5 + 2 * 3 + 6
        assert all(image.get_attribute("alt") for image in images)


@needs_browser
def test_the_keyboard_reaches_all_that_opens(page):
    from selenium.webdriver.common.keys import Keys

    with browser() as driver:
        driver.get((page / "index.html").as_uri())
        wanted = driver.find_elements("css selector", "summary, a")
        for element in wanted:
            driver.switch_to.active_element.send_keys(Keys.TAB)
            assert driver.switch_to.active_element == element


SYMBOLS = {
    "A_T",
    "A_B",
    "f_A",
    "f_T",
    "f_B",
    "M=",
    "K=",
    "γ",
    "cMAP",
    "lite",
    "Entropy",
    "GRL",
    "K-Beam",
    "Entropy+",
    "GRL+",
    "K-Beam+",
    "chance",
    "downsample_",
    "face_",
    "body_",
    "static",
    "inversion",
    "retrained",
    "PSNR",
    "SSIM",
    "of the labels",
    "video",
    "any",
    "raw clips",
}


def text_of(html):
    html = re.sub(r"(?s)<style>.*?</style>|<pre>.*?</pre>", "", html)
    return re.sub(r"(?s)<[^>]*>", " ", html)


@pytest.mark.parametrize("kind", ["page", "crowded"])
def test_each_symbol_on_the_page_is_explained(kind, request):
    html = (request.getfixturevalue(kind) / "index.html").read_text()
    explained = " ".join(re.findall(r"<dt>(.*?)</dt>", html))
    used = {
        symbol
        for symbol in SYMBOLS
        if re.search(rf"\b{re.escape(symbol)}(?!s\b)", text_of(html))
    }
    if kind == "crowded":
        assert used == SYMBOLS - {"cMAP"}
    else:
        assert {"cMAP", "A_B", "f_B", "γ", "M="} <= used
        assert "K-Beam+" not in explained
    assert {s for s in used if s.strip("=") not in explained} == set()


@pytest.mark.parametrize("kind", ["page", "crowded"])
def test_each_privacy_figure_names_its_attackers(kind, request):
    html = (request.getfixturevalue(kind) / "index.html").read_text()
    cells = re.findall(r'(?s)data-label="A_B">(.*?)</td>', html)
    judged = [cell for cell in cells if "interval" in cell]
    assert len(cells) - len(judged) == html.count("<section")  # chance
    assert all('<span class="by">' in cell for cell in judged)
    captions = re.findall(r"<figcaption>(A_B.*?)</figcaption>", html)
    assert captions
    assert all(re.match(r"A_B by [xy]\b", caption) for caption in captions)


def test_the_doubt_about_a_b_is_above_it(page):
    html = (page / "index.html").read_text()
    for section in html.split("<section")[1:]:
        assert 0 < section.index("A_B may be too low") < section.index("<table")


def test_what_runs_say_is_text(page):
    text = (page / "index.html").read_text()
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_attacks_are_in_one_table(page):
    text = (page / "index.html").read_text()
    (table,) = re.findall(r"Attacks</h3>.*?</table>", text, re.DOTALL)
    cells = re.findall(r"(?s)<t[hd] [^>]*>(.*?)</t[hd]>", table)
    assert cells[:5] == ["clips", "runs", "retrained", "static", "any"]
    figures = [cell.split()[0] for cell in cells[5:]]
    assert figures == ["Entropy", "2", "0.400", "0.200", "0.400"]
    named = re.findall(r'<span class="by">(.*?)</span>', table)
    assert named == ["by y", "by x", "by y"]


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
    text = (tmp_path / "index.html").read_text()
    assert text.count("<img") == text.count("data:image/svg+xml") == 4
    assert "Raw frames" not in text
    assert "1 run<" in text


def test_a_dollar_in_a_name_is_no_formula(tmp_path):
    made_runs.make(tmp_path / "run", method="a$b^{$_1")
    done = report(tmp_path / "run", f"--out={tmp_path / 'out'}")
    assert done.returncode == 0, done.stderr
    assert "a$b^{$_1" in (tmp_path / "out" / "index.html").read_text()


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


def test_a_page_names_runs_that_ended_at_chance(tmp_path):
    good, bad = (load_run(made_runs.make(tmp_path / x)) for x in ("a", "b"))
    bad.result["anonymized"]["target"]["interval"] = [0.2, 0.4]
    said = pages._caveat([good, bad])
    assert "b: THIS RUN ENDED AT CHANCE" in said
    assert "a: THIS" not in said
