"""The page of a report: figures, pictures and flags in one HTML file."""

import base64
import importlib.resources
import pathlib
import re

from priv_keras import files
from priv_keras.reports import comparison
from priv_keras.reports import figures
from priv_keras.reports import glossary
from priv_keras.runs import results
from priv_keras.runs.folder import RunFolder

# Pictures that runs drew: attribute of `RunFolder`, kind, alternative text and
# caption.
PICTURES = (
    (
        "before_after",
        "pixels",
        "Raw frames, and below each of them its anonymized frame",
        "Validation clips: raw frames, and below them f_A's output.",
    ),
    (
        "moving",
        "pixels moving",
        "The same clips, playing in a loop",
        "The same as moving pictures.",
    ),
)
# Sections with more runs than this show them on demand.
OPEN = 3


def write(judged, folder, pictures):
    """Writes `index.html`, and each figure as PNG and SVG in `figures/`.

    The page loads nothing from other files or from a network.

    Args:
        judged: List of `runs.run.Run`.
        folder: `pathlib.Path`; what is there is replaced once the new report
            is complete.
        pictures: Bool, whether to show the pictures that runs drew, which
            include raw frames.
    """
    with files.published(folder) as partial:
        _fill(judged, partial, pictures)


def _fill(judged, folder, pictures):
    import matplotlib

    drawn = folder / "figures"
    drawn.mkdir(parents=True)
    arenas = {}
    for run in judged:
        arenas.setdefault(comparison.arena(run), []).append(run)
    # Names come from data, so a `$` in them begins no formula.
    with matplotlib.rc_context({"text.parse_math": False}):
        sections = [
            _section(i, group, drawn, pictures)
            for i, group in enumerate(arenas.values(), 1)
        ]
    (folder / "index.html").write_text(_page(sections, len(judged)))


def _page(sections, count):
    """Returns the HTML, with a glossary of what the rest of the page uses."""
    import jinja2

    template = importlib.resources.files("priv_keras.reports") / "report.html"
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(template.read_text())
    bare = page.render(sections=sections, runs=count, terms=[])
    shown = re.sub(r"(?s)<style>.*?</style>|<pre>.*?</pre>|<.*?>", " ", bare)
    terms = glossary.terms(shown)
    return page.render(sections=sections, runs=count, terms=terms)


def _section(number, judged, folder, pictures):
    """Returns what the template shows of one arena."""
    points = comparison.points(judged)
    names = [found["name"] for found in judged[0].result["raw"]["attackers"]]
    by_attack = comparison.by_attack(points)
    return {
        "id": f"data-{number}",
        "title": _title(judged[0]),
        "attackers": names,
        "measure": comparison.measure(judged[0]),
        "caveat": _caveat(judged),
        "rows": list(_rows(points, judged)),
        "figures": [
            _drawn(figure, folder / f"{number}-{name}", alt, text)
            for figure, name, alt, text in _charts(points, judged)
        ],
        "attacks": list(by_attack[0].attacks) if by_attack else [],
        "by_attack": [
            [
                row.label,
                str(row.runs),
                *(_cell(e, row.attackers[k]) for k, e in row.attacks.items()),
            ]
            for row in by_attack
        ],
        "is_open": len(judged) <= OPEN,
        "judged": [
            _run(run, folder / f"{number}-turns-{i}", pictures)
            for i, run in enumerate(judged, 1)
        ],
    }


def _caveat(judged):
    quick = any(run.result.get("judge") == "quick" for run in judged)
    attackers = [run.result["anonymized"]["attackers"] for run in judged]
    failed = [
        f"{run.name}: {results.failure(run.result)}"
        for run in judged
        if results.failure(run.result)
    ]
    said = [*failed, *[results.QUICK] * quick, results.caveat(attackers)]
    return " ".join(sentence for sentence in said if sentence)


def _title(run):
    dataset, budget, test, scale, *_ = comparison.arena(run)
    title = f"{dataset} + {budget}" if budget else dataset
    tested = f", tested on {test}" if test else ""
    steps = run.flags.get("attacker_steps")
    trained = f", at most {steps} updates for each attacker" if steps else ""
    return f"{title}{tested}, {scale} scale{trained}"


def _rows(points, judged):
    """Yields the lines of the table: name, number of runs, A_T, A_B."""
    raw = comparison.raw(judged)
    for point, side in [(raw, "raw"), *((p, "anonymized") for p in points)]:
        strongest = [results.privacy(run.result, side) for run in point.runs]
        yield [
            point.label,
            str(len(point.runs)),
            _cell(point.utility),
            _cell(point.privacy, comparison.by(strongest)),
        ]
    chance = (f"{value:.3f}" for value in results.chance(raw.runs))
    yield ["chance", str(len(raw.runs)), *chance]


def _cell(estimate, by=""):
    """Returns a figure, its interval and the attackers that reached it."""
    return {
        "figure": f"{estimate.mean:.3f}",
        "interval": f"[{estimate.low:.3f}, {estimate.high:.3f}]",
        "by": by,
    }


def _charts(points, judged):
    """Yields the figures of one arena, each with the name of its file, its
    alternative text and its caption."""
    yield (
        figures.trade_off(points, judged),
        "trade-off",
        "Scatter plot of A_T over A_B; the first table has its figures",
        "Trade-off between utility and privacy, best at the top left. Marks "
        "grow with K, M or the factor of a baseline. Bars are 95 % intervals, "
        "dashed lines chance, dotted ones raw clips.",
    )
    drawn = figures.attackers(points, judged)
    for i, (name, figure) in enumerate(drawn.items(), 1):
        yield (
            figure,
            f"attackers-{i}",
            f"Bar chart of A_B by {name}: {_read_out(points, judged, name)}",
            f"A_B by {name}, on raw clips and after each anonymizer, with 95 % "
            "intervals.",
        )
    drawn = figures.static_gaps(points)
    for i, (name, figure) in enumerate(drawn.items(), 1):
        yield (
            figure,
            f"static-gap-{i}",
            f"Bar chart of static minus retrained {name}",
            f"What a static {name} reads, trained on raw clips alone, minus "
            "what a retrained one reads. Below 0, a static evaluation "
            "overstates privacy.",
        )
    for i, point in enumerate(points, 1):
        if figure := figures.attribute_drops(point):
            yield (figure, f"attributes-{i}", *_attributes_words(point))


def _attributes_words(point):
    names = ", ".join(point.attackers)
    best = f"the best of {names}" if len(point.attackers) > 1 else names
    return (
        f"Dot plot of each attribute on raw clips and after {point.label}",
        f"Average precision of each attribute on raw clips and after "
        f"{point.label}, by {best}. An attribute that no test clip shows has "
        "no mark.",
    )


def _read_out(points, judged, name):
    """Returns the bars of an attacker as text."""
    return "; ".join(
        "{} {figure} {interval}".format(
            point.label, **_cell(point.attackers[name])
        )
        for point in [comparison.raw(judged), *points]
    )


def _run(run, path, pictures):
    """Returns what the template shows of one run."""
    figure = figures.curves(run)
    words = (
        f"Line charts of {run.name} over its turns",
        "The game, turn by turn: f_T and each f_B on validation, their losses, "
        "and how many updates they took to pass their gates.",
    )
    shown = [_drawn(figure, path, *words)] if figure else []
    best = results.privacy(run.result, "anonymized")
    return {
        "name": run.name,
        "label": comparison.label(run),
        "utility": _cell(
            comparison.estimate([results.utility(run.result, "anonymized")])
        ),
        "privacy": _cell(comparison.estimate([best]), best["name"]),
        "attacks": [
            [found["attack"], _attack_cell(found)]
            for found in run.result["attacks"]
        ],
        "figures": shown + (_pictures(run) if pictures else []),
        "config": run.config,
    }


def _attack_cell(found):
    if "psnr" in found:
        figure = f"PSNR {found['psnr']:.1f} dB, SSIM {found['ssim']:.2f}"
        return {"figure": figure, "interval": "", "by": found["name"]}
    return _cell(comparison.estimate([found]), found["name"])


def _drawn(figure, path, alt, text):
    """Saves a figure as PNG and SVG; returns what the template shows of it."""
    import matplotlib

    png, svg = path.with_suffix(".png"), path.with_suffix(".svg")
    figure.savefig(png, dpi=150)
    # Without it, each report would give other names to the same shapes.
    with matplotlib.rc_context({"svg.hashsalt": path.name}):
        figure.savefig(svg, metadata={"Date": None})
    uri = _uri(svg, "svg+xml")
    return {"uri": uri, "alt": alt, "text": text, "kind": "chart"}


def _pictures(run):
    return [
        {
            "uri": _uri(path, path.suffix[1:]),
            "alt": f"{alt} ({run.name})",
            "text": text,
            "kind": kind,
        }
        for name, kind, alt, text in PICTURES
        if (path := getattr(RunFolder(run.folder), name)).exists()
    ]


def _uri(path, kind):
    data = base64.b64encode(pathlib.Path(path).read_bytes()).decode()
    return f"data:image/{kind};base64,{data}"
