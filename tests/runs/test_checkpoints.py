import multiprocessing
import os

import h5py
import numpy as np
import pytest
from toys import toy_anonymizer

from priv_keras.runs import checkpoints


def test_what_is_saved_is_found_and_read_back(tmp_path):
    model, other = toy_anonymizer(), toy_anonymizer()
    path = checkpoints.save(model, tmp_path / "new", "pair")
    assert checkpoints.newest(tmp_path / "new", "pair", print) == path
    assert list((tmp_path / "new").iterdir()) == [path]
    other.load_weights(path)
    for a, b in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_equal_weights_have_equal_names(tmp_path):
    model = toy_anonymizer()
    names = {checkpoints.save(model, tmp_path / x, "a").name for x in "bc"}
    assert len(names) == 1


def test_a_stem_names_one_file(tmp_path):
    first = checkpoints.save(toy_anonymizer(), tmp_path, "a")
    other = checkpoints.save(toy_anonymizer(), tmp_path, "ab")
    second = checkpoints.save(toy_anonymizer(), tmp_path, "a")
    assert sorted(tmp_path.iterdir()) == sorted([other, second])
    assert first != second


def test_two_may_save_side_by_side(tmp_path):
    """Runs of one `--shared_dir` do so if their warm-ups end together."""
    context = multiprocessing.get_context("fork")
    saved = context.Event()

    class Slow:
        def save_weights(self, partial):
            partial.write_bytes(b"slow")
            other.start()
            assert saved.wait(30)

    class Fast:
        def save_weights(self, partial):
            partial.write_bytes(b"fast")

    def save_fast():
        checkpoints.save(Fast(), tmp_path, "pair")
        saved.set()

    other = context.Process(target=save_fast)
    path = checkpoints.save(Slow(), tmp_path, "pair")
    other.join()
    assert path.read_bytes() == b"slow"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_run_left_half_saved_goes(tmp_path):
    path = checkpoints.save(toy_anonymizer(), tmp_path, "a")

    class Killed:
        def save_weights(self, partial):
            partial.write_bytes(b"half")
            os._exit(9)

    context = multiprocessing.get_context("fork")
    run = context.Process(
        target=checkpoints.save, args=(Killed(), tmp_path, "a")
    )
    run.start()
    run.join()
    assert len(list(tmp_path.iterdir())) == 2
    checkpoints.forget_partial(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_file_is_passed_over_and_named(tmp_path, damage):
    whole, broken = (
        checkpoints.save(toy_anonymizer(), tmp_path, checkpoints.stem_of(turn))
        for turn in (14, 28)
    )
    content = bytearray(broken.read_bytes())
    if damage == "cut":
        content = content[:-1]
    else:
        content[-1] ^= 1
    broken.write_bytes(content)
    said = []
    found = checkpoints.newest(tmp_path, checkpoints.TURNS, said.append)
    assert found == whole
    assert checkpoints.turn_of(found) == 14
    assert said == [f"warning: {broken} is damaged and passed over."]


def test_a_failed_save_leaves_the_old_one(tmp_path):
    model = toy_anonymizer()
    path = checkpoints.save(model, tmp_path, "a")

    class Full:
        def save_weights(self, partial):
            partial.write_bytes(b"half")
            raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        checkpoints.save(Full(), tmp_path, "a")
    assert list(tmp_path.iterdir()) == [path]


def test_an_optimizer_that_does_not_fit_is_refused_in_a_line(tmp_path):
    def compiled(optimizer):
        model = toy_anonymizer()
        model.compile(optimizer=optimizer, loss="mse")
        model.optimizer.build(model.trainable_variables)
        return model

    path = checkpoints.save(compiled("adam"), tmp_path, "a")
    checkpoints.load(compiled("adam"), path)
    with pytest.raises(ValueError, match="of another network") as caught:
        checkpoints.load(compiled("sgd"), path)
    assert len(str(caught.value).splitlines()) == 1


def test_weights_that_lie_in_another_file_are_not_read(tmp_path):
    model = toy_anonymizer()
    secret = checkpoints.save(model, tmp_path, "secret")
    with (
        h5py.File(tmp_path / "mine.weights.h5", "w") as file,
        h5py.File(secret) as known,
    ):
        for name in known:
            file[name] = h5py.ExternalLink(str(secret), f"/{name}")
    with pytest.raises(ValueError, match="is damaged, or of another network"):
        checkpoints.load(model, tmp_path / "mine.weights.h5")


@pytest.mark.parametrize("name", ["mine.keras", "mine.h5", "mine.weights.json"])
def test_files_that_may_hold_more_than_weights_are_not_read(name, tmp_path):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ValueError, match=r"is not a \*\.weights\.h5"):
        checkpoints.load(toy_anonymizer(), tmp_path / name)
