"""The page of a report: figures, pictures and flags, in one HTML file."""

import base64
import importlib.resources
import pathlib

from priv_keras import card
from priv_keras import figures
from priv_keras import runs

# Drawn by runs, by file.
PICTURES = {
    "before_after.png": "raw frames above what the anonymizer makes of them",
    "before_after.webp": "the same as clips",
}


def write(judged, folder, pictures):
    """Writes `index.html`, and each figure as PNG and SVG in `figures/`.

    The page asks no other file and no network for anything.

    Args:
        judged: List of `runs.Run`.
        folder: `pathlib.Path`; what is there goes once the new one is whole.
        pictures: Bool, whether to show what runs drew: raw frames too.
    """
    with card.published(folder) as partial:
        _fill(judged, partial, pictures)


def _fill(judged, folder, pictures):
    import jinja2

    drawn = folder / "figures"
    drawn.mkdir(parents=True)
    arenas = {}
    for run in judged:
        arenas.setdefault(runs.arena(run), []).append(run)
    sections = [
        _section(i, group, drawn, pictures)
        for i, group in enumerate(arenas.values(), 1)
    ]
    template = importlib.resources.files("priv_keras") / "report.html"
    page = jinja2.Environment(autoescape=True).from_string(template.read_text())
    (folder / "index.html").write_text(
        page.render(sections=sections, runs=len(judged))
    )


def _section(number, judged, folder, pictures):
    """What the template shows of one arena."""
    points = runs.points(judged)
    found = {
        "trade-off": figures.trade_off(points, judged),
        "attackers": figures.attackers(points, judged),
        "static-gap": figures.static_gap(points),
    }
    for i, point in enumerate(points, 1):
        found[f"attributes-{i}"] = figures.attribute_drops(point)
    for i, run in enumerate(judged, 1):
        found[f"turns-{i}"] = figures.curves(run)
    images = {
        name: _drawn(figure, folder / f"{number}-{name}")
        for name, figure in found.items()
        if figure
    }
    return {
        "title": _title(judged[0]),
        "attackers": [a["name"] for a in judged[0].result["raw"]["attackers"]],
        "caveat": card.caveat(
            found
            for run in judged
            for found in run.result["anonymized"]["attackers"]
        ),
        "rows": _rows(points, judged),
        "by_attack": [
            (row.label, row.runs, {k: _text(e) for k, e in row.attacks.items()})
            for row in runs.by_attack(points)
        ],
        "images": images,
        "attributes": [n for n in images if n.startswith("attributes")],
        "other_attacks": [
            (run.name, attack) for run in judged for attack in _attacks(run)
        ],
        "judged": [
            {
                "name": run.name,
                "label": runs.label(run),
                "config": run.config,
                "turns": images.get(f"turns-{i}"),
                "pictures": _pictures(run) if pictures else [],
            }
            for i, run in enumerate(judged, 1)
        ],
    }


def _title(run):
    dataset, budget, test, scale, *_ = runs.arena(run)
    title = f"{dataset} + {budget}" if budget else dataset
    tested = f", tested on {test}" if test else ""
    steps = run.flags.get("attacker_steps")
    trained = f", attackers of up to {steps} updates" if steps else ""
    return f"{title}{tested}, {scale} scale{trained}"


def _rows(points, judged):
    """Lines of the table: name, number of runs, A_T, A_B^N, the strongest."""
    distinct = runs.distinct(judged)
    raw = [
        runs.estimate([read(run.result, "raw") for run in distinct])
        for read in (runs.utility, runs.privacy)
    ]
    yield (
        *("raw clips", len(distinct)),
        *map(_text, raw),
        _strongest(distinct, "raw"),
    )
    for point in points:
        yield (
            point.label,
            len(point.runs),
            _text(point.utility),
            _text(point.privacy),
            _strongest(point.runs, "anonymized"),
        )
    chance = (f"{value:.3f}" for value in runs.chance(distinct))
    yield "chance", len(distinct), *chance, ""


def _text(estimate):
    return f"{estimate.mean:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _strongest(judged, side):
    names = (runs.privacy(run.result, side)["name"] for run in judged)
    return ", ".join(dict.fromkeys(names))


def _attacks(run):
    for found in run.result["attacks"]:
        if "psnr" in found:
            figure = f"PSNR {found['psnr']:.1f} dB, SSIM {found['ssim']:.2f}"
        else:
            low, high = found["interval"]
            figure = f"{runs.value(found):.3f} [{low:.3f}, {high:.3f}]"
        yield {**found, "figure": figure}


def _drawn(figure, path):
    """Saves a figure as PNG and SVG; returns its data URI."""
    import matplotlib

    figure.savefig(path.with_suffix(".png"), dpi=150)
    # Else each run of this gives other names to the same shapes.
    with matplotlib.rc_context({"svg.hashsalt": path.name}):
        figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    return _uri(path.with_suffix(".svg"), "svg+xml")


def _pictures(run):
    return [
        {"uri": _uri(path, path.suffix[1:]), "text": text}
        for name, text in PICTURES.items()
        if (path := run.folder / name).exists()
    ]


def _uri(path, kind):
    data = base64.b64encode(pathlib.Path(path).read_bytes()).decode()
    return f"data:image/{kind};base64,{data}"
