"""A game small enough to play in a second, and what all workers share."""

import fcntl
import os
import shutil

import keras
import pytest
import tensorflow as tf
from toys import ACTIONS
from toys import CLIP
from toys import IDENTITIES
from toys import OPEN
from toys import endless
from toys import toy_anonymizer
from toys import toy_batch
from toys import toy_classifier

from priv_keras import losses
from priv_keras.algorithms.optimization import Optimizers

# Two logical devices, for tests of replicas; before TensorFlow starts.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Returns a function that has a folder filled by one worker for all.

    `once(make)` returns the folder that `make(folder)` has filled, now or when
    this worker or another one asked for it before. Tests must not write to it.
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def once(make):
        name = f"{make.__module__}-{make.__name__}".replace(".", "-")
        folder = root / "once" / name
        folder.parent.mkdir(exist_ok=True)
        done = folder.with_suffix(".done")
        with open(folder.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return once


@pytest.fixture
def data():
    return endless(toy_batch())


@pytest.fixture
def make_game():
    def make(
        algorithm,
        *,
        num_budgets=1,
        target_gate=OPEN,
        budget_gate=OPEN,
        gamma=2.0,
        lr=0.1,
        budget_task=losses.SINGLE_LABEL,
        validation=None,
        budget_data=None,
        budget_frames=CLIP[0],
        optimizer=keras.optimizers.SGD,
        anonymizer=toy_anonymizer,
        **kwargs,
    ):
        game = algorithm(
            anonymizer(),
            toy_classifier(ACTIONS),
            [
                toy_classifier(IDENTITIES, True, budget_frames)
                for _ in range(num_budgets)
            ],
            budget_task=budget_task,
            gamma=gamma,
            target_gate=target_gate,
            budget_gate=budget_gate,
            **kwargs,
        )
        game.compile(
            optimizer=Optimizers(
                optimizer(lr),
                optimizer(lr / 2),
                [optimizer(lr * 2) for _ in range(num_budgets)],
            ),
            validation=validation or endless(toy_batch(seed=1)),
            budget_data=budget_data,
        )
        return game

    return make
