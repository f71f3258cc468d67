"""Makes a preset of an exported anonymizer: its card and weights alone.

    python benchmarks/presets.py RUN/export/anonymizer NAME

Writes `priv_keras/deployment/presets/NAME`. Paths of this machine are left out
of the flags on the card. Exits with 1 if it would be larger than `MOST`.
"""

import argparse
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).parents[1]
MOST = 10**6  # bytes
LOCAL = ("--data_dir=", "--shared_dir=", "--run_dir=")


def main():
    from priv_keras.deployment import card
    from priv_keras.deployment import presets

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("export", type=pathlib.Path)
    parser.add_argument("name")
    args = parser.parse_args()
    about = card.check(args.export)
    if not about or not about["figures"]:
        sys.exit(f"error: {args.export} has no card with figures.")
    lines = about["flags"].splitlines()
    about["flags"] = "".join(
        f"{line}\n" for line in lines if not line.startswith(LOCAL)
    )
    weights = args.export / "variables"
    size = sum(path.stat().st_size for path in weights.iterdir())
    if size > MOST:
        sys.exit(f"error: {weights} has {size} bytes, more than {MOST}.")
    folder = presets.FOLDER / args.name
    with card.published(folder, about) as partial:
        shutil.copytree(weights, partial / "variables")
    print(f"{folder}: {size} bytes")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
