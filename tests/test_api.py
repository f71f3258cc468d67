"""What `import priv_keras` offers, and that it is quick."""

import subprocess
import sys

import pytest

import priv_keras


def test_importing_loads_nothing_heavy():
    check = (
        "import sys, priv_keras; dir(priv_keras); priv_keras.__version__; "
        "print(sorted({'tensorflow', 'keras', 'cv2', 'av'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("name", dir(priv_keras))
def test_each_name_that_is_shown_is_there(name):
    assert getattr(priv_keras, name)


PUBLIC = (
    "algorithms.Entropy",
    "algorithms.GRL",
    "algorithms.KBeam",
    "baselines.build",
    "evaluation.judge",
    "layers.GradientReversal",
    "losses.MULTI_LABEL",
    "losses.SINGLE_LABEL",
    "metrics.class_mean_average_precision",
    "networks.anonymizer.build",
    "networks.attackers.build",
    "networks.budgets.build",
    "networks.c3d.build",
    "networks.lite.build",
)


def test_public_names_need_no_other_import():
    names = "\n".join(f"priv_keras.{name}" for name in PUBLIC)
    subprocess.run(
        [sys.executable, "-c", f"import priv_keras\n{names}"], check=True
    )


def test_a_name_that_is_not_there_says_so():
    with pytest.raises(AttributeError, match="'priv_keras' has no .*'nothing'"):
        priv_keras.nothing  # noqa: B018
