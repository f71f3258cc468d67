"""Whether the wheel works on each Python, and with the oldest requirements.

    python benchmarks/environments.py --pythons=3.10,3.13,lowest

Needs only the standard library. For each Python it makes a fresh environment
outside the repository, builds the wheel there and installs it with the extra
`test`. Against the wheel it then runs the fast tests of films and of building
shards (with `--all`, every fast test), a smoke game on puppets, and the
resulting anonymizer on a film. `lowest` is the lowest Python with the lowest
versions that `setup.cfg` allows, which needs `uv`. The same command leaves
out rows that passed; `--again` makes them anew, and so does `--ci`, which keeps
none. Exits with 1 if anything fails. Writes
`benchmarks/results/environments.md`.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from xml.etree import ElementTree

import machine

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "environments.md"
KEPT = RESULTS.with_suffix(".jsonl")
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
LOWEST = "lowest"
PACKAGES = ("flags", "priv_keras", "tfrecords_tools")
SOURCES = (*PACKAGES, "tests", "README.md", "LICENSE", "pyproject.toml")
SOURCES += ("setup.cfg",)
TESTS = ("films", "tfrecords_tools")  # folders of tests
SHOWN = ("tensorflow", "keras", "numpy", "protobuf", "av")
SHOWN += ("opencv-python-headless", "pillow", "scikit-learn")
SHOWN += ("ai-edge-litert",)
FRAMES = 30
VERSIONS = """
import importlib.metadata, json, sys
print(json.dumps({n: importlib.metadata.version(n) for n in sys.argv[1:]}))
"""
FOLDERS = """
import importlib.util, sys
for name in sys.argv[1:]:
    print(*importlib.util.find_spec(name).submodule_search_locations)
"""
WRITE = """
import av, numpy, sys
with av.open(sys.argv[1], "w") as film:
    video = film.add_stream("libx264", rate=25)
    video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
    for i in range(int(sys.argv[2])):
        pixels = numpy.full((48, 64, 3), 8 * i, "uint8")
        film.mux(video.encode(av.VideoFrame.from_ndarray(pixels)))
    film.mux(video.encode())
"""
COUNT = """
import av, sys
with av.open(sys.argv[1]) as film:
    print(sum(1 for _ in film.decode(video=0)))
"""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pythons", type=lambda text: text.split(","))
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--ci", action="store_true")
    args = parser.parse_args()
    found = interpreters()
    missing = set(args.pythons or ()) - set(found)
    if missing:
        parser.error(
            f"not here: {', '.join(missing)}. Here: {', '.join(found)}"
        )
    rows = {} if args.ci else kept()
    names = args.pythons or list(found)
    for name in names:
        if args.again or not finished(rows.get(name), args.all):
            rows[name] = try_out(name, found[name], args.all)
            if not args.ci:
                rows = keep(rows[name])
    print(report(rows))
    sys.exit(any(rows[name]["failed"] for name in names))


def finished(row, whole):
    return row and not row["failed"] and row["all"] >= whole


def interpreters():
    """Returns the interpreter of each row that can be tried here."""
    found = {}
    for version in PYTHONS:
        installed = pathlib.Path.home().glob(f".pyenv/versions/{version}.*")
        paths = [folder / "bin" / "python" for folder in sorted(installed)]
        working = filter(works, [shutil.which(f"python{version}"), *paths])
        if path := next(working, None):
            found[version] = path
    if found and shutil.which("uv"):
        found[LOWEST] = next(iter(found.values()))
    return found


def works(path):
    """Returns whether an interpreter runs; a shim of pyenv does so only if its
    version is enabled."""
    check = (path, "-c", "import venv, ensurepip")
    return path and not subprocess.run(check, capture_output=True).returncode


def kept():
    if not KEPT.exists():
        return {}
    rows = map(json.loads, KEPT.read_text().splitlines())
    return {row["name"]: row for row in rows}


def keep(row):
    """Adds a row to those on disk, which others may have changed meanwhile,
    and returns all."""
    rows = kept() | {row["name"]: row}
    rows = {name: rows[name] for name in (*PYTHONS, LOWEST) if name in rows}
    KEPT.write_text("".join(json.dumps(row) + "\n" for row in rows.values()))
    RESULTS.write_text(report(rows))
    return rows


def try_out(name, interpreter, whole):
    """Returns a row: what was installed, and what came of it."""
    row = {"name": name, "all": whole, "failed": []}
    row["date"] = datetime.date.today().isoformat()
    row["machine"] = machine.name()
    with tempfile.TemporaryDirectory(prefix="environment-") as folder:
        trial = Trial(pathlib.Path(folder), row)
        trial.install(interpreter)
        if not row["failed"]:
            trial.test(whole)
            trial.play()
            trial.anonymize()
    return row


class Trial:
    """One environment and what is tried in it.

    Args:
        folder: `pathlib.Path` that nothing else uses.
        row: Dict to fill in.
    """

    def __init__(self, folder, row):
        self.folder, self.row = folder, row
        self.bin = folder / "environment" / "bin"
        self.checkout, self.outside = folder / "checkout", folder / "outside"
        self.run_dir = self.outside / "run"
        self.outside.mkdir()
        outer = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
        self.environment = {
            "PRIV_KERAS_CACHE": str(folder / "cache"),
            **{name: os.environ[name] for name in os.environ.keys() - outer},
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }

    def run(self, what, *command, cwd=None):
        """Runs a command and returns its standard output; a failure is recorded
        and printed."""
        print(f"{self.row['name']}: {what}", file=sys.stderr, flush=True)
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd or self.outside,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            self.row["failed"].append(f"{what} exits with {done.returncode}")
            print(done.stdout[-4000:], done.stderr[-4000:], file=sys.stderr)
        return done.stdout

    def python(self, what, *args, **options):
        return self.run(what, self.bin / "python", *args, **options)

    def install(self, interpreter):
        """Sets up the environment and records how long pip or uv took."""
        self._copy_sources()
        self.run("venv", interpreter, "-m", "venv", self.bin.parent)
        pip = ("-m", "pip", "--quiet", "--disable-pip-version-check")
        self.python("upgrade of pip", *pip, "install", "--upgrade", "pip")
        options = ("--no-deps", "--wheel-dir", self.folder)
        self.python("build", *pip, "wheel", *options, self.checkout)
        wheels = list(self.folder.glob("*.whl"))
        if not wheels:
            return
        start = time.perf_counter()
        wanted = f"{wheels[0]}[test]"
        if self.row["name"] == LOWEST:
            self._install_lowest(wanted)
        else:
            self.python("install", *pip, "install", wanted)
        self.row["seconds"] = round(time.perf_counter() - start)
        if not self.row["failed"]:
            self._check_installed()

    def _install_lowest(self, wheel):
        # To uv, the requirements of a wheel are indirect ones, so it resolves
        # those of `setup.cfg` first.
        uv, into = ("uv", "pip"), ("--quiet", "--python", self.bin / "python")
        chosen = self.folder / "lowest.txt"
        self.run(
            "choice of versions",
            *uv,
            "compile",
            *into,
            "--extra=test",
            "--resolution=lowest-direct",
            self.checkout / "setup.cfg",
            f"--output-file={chosen}",
        )
        self.run("install", *uv, "install", *into, "-r", chosen, wheel)

    def _copy_sources(self):
        for name in SOURCES:
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                target = self.checkout / name
                shutil.copytree(ROOT / name, target, ignore=ignored)
            else:
                shutil.copy(ROOT / name, self.checkout)

    def _check_installed(self):
        """Removes the sources that a test could import by mistake."""
        for path in self.checkout.rglob("*.py"):
            if self.checkout / "tests" not in path.parents:
                path.unlink()
        versions = self.python("versions", "-c", VERSIONS, *SHOWN)
        self.row["versions"] = json.loads(versions)
        version = self.python("version of Python", "--version")
        self.row["python"] = version.removeprefix("Python ").strip()
        for cwd in (self.outside, self.checkout):
            found = self.python("imports", "-c", FOLDERS, *PACKAGES, cwd=cwd)
            if found.count(f"{self.bin.parent}/") != len(PACKAGES):
                self.row["failed"].append(f"imports come from {found}")

    def test(self, whole):
        """Runs fast tests in the copied checkout, against the wheel."""
        report = self.folder / "tests.xml"
        folders = [f"tests/{name}" for name in TESTS]
        self.python(
            "tests",
            "-m",
            "pytest",
            "-q",
            "-n",
            "2",
            "--dist",
            "worksteal",
            "-m",
            "not slow",
            f"--junitxml={report}",
            # Those of programs read sources, which are not here.
            *(["--ignore=tests/programs"] if whole else folders),
            cwd=self.checkout,
        )
        if not report.exists():
            return
        self.row["tests"] = dict.fromkeys(("passed", "failed", "skipped"), 0)
        for case in ElementTree.parse(report).iter("testcase"):
            outcome = {"failure", "error", "skipped"} & {p.tag for p in case}
            if outcome == {"skipped"}:
                self.row["tests"]["skipped"] += 1
            elif outcome:
                self.row["tests"]["failed"] += 1
                where = case.get("classname"), case.get("name")
                self.row["failed"].append("::".join(where))
            else:
                self.row["tests"]["passed"] += 1

    def play(self):
        """Trains, attacks and exports by the installed command."""
        flags = self.python("recipes", "-c", FOLDERS, "flags").strip()
        start = time.perf_counter()
        self.run(
            "smoke game",
            "priv-keras-train",
            "--method=entropy",
            "--dataset=puppets",
            "--scale=tiny",
            f"--flagfile={flags}/recipes/smoke.flags",
            f"--run_dir={self.run_dir}",
        )
        self.row["smoke_seconds"] = round(time.perf_counter() - start)

    def anonymize(self):
        """Anonymizes a film by what the game exported."""
        film, output = self.outside / "film.mp4", self.outside / "out.mp4"
        self.python("film", "-c", WRITE, film, FRAMES)
        self.run(
            "anonymize",
            "priv-keras-anonymize",
            film,
            "-o",
            output,
            f"--model={self.run_dir / 'export' / 'anonymizer'}",
        )
        if not output.exists():
            return
        count = self.python("frames", "-c", COUNT, output).strip()
        self.row["frames"] = count
        if count != str(FRAMES):
            self.row["failed"].append(f"film has {count} frames of {FRAMES}")


def report(rows):
    lines = [
        "# The installed wheel in fresh environments",
        "",
        "Made by `python benchmarks/environments.py` on "
        f"{'; '.join(sorted({row['machine'] for row in rows.values()}))}. "
        "Tests: passed, failed, skipped. Film: frames of a film of "
        f"{FRAMES} that the exported f_A anonymized.",
        "",
        f"| Python | {' | '.join(SHOWN)} | install, s | tests | smoke game, s "
        "| film, frames | date |",
        "|---" * (len(SHOWN) + 6) + "|",
        *(line(row) for row in rows.values()),
    ]
    failed = [
        (row["name"], text) for row in rows.values() for text in row["failed"]
    ]
    lines += [""] if failed else []
    lines += [f"- {name}: {text}" for name, text in failed]
    return "\n".join(lines) + "\n"


def line(row):
    versions = row.get("versions", {})
    python = row.get("python", row["name"])
    cells = [
        f"{python}, lowest" if row["name"] == LOWEST else python,
        *(versions.get(name, "") for name in SHOWN),
        row.get("seconds", ""),
        ", ".join(map(str, row.get("tests", {}).values())),
        row.get("smoke_seconds", ""),
        row.get("frames", ""),
        row["date"],
    ]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
