"""Draws all videos of the puppets into a folder laid out as SBU."""

import multiprocessing.connection
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import as_completed
from pathlib import Path

import numpy as np

from tfrecords_tools import progress
from tfrecords_tools.partial import partial
from tfrecords_tools.puppets import cast
from tfrecords_tools.puppets import clip


def generate(root, *, size=(160, 120), takes=3, seed=0, workers=1):
    """Writes the whole dataset, all sets and actions, below a new folder.

    The folder has SBU's layout: `s01s02/03/001/rgb_000001.png` is the first
    frame of the first take of actor 1 kicking actor 2 (or the other way
    round). The folder gets its name once it is complete: until then, the
    files are in a hidden `.partial` folder beside it. The files do not depend
    on `workers`.

    Args:
        root: Path of the folder to create.
        size: `(width, height)` of the frames in pixels.
        takes: Int, clips of each action in each set, at least 1.
        seed: Int, not negative.
        workers: Int, processes, at least 1.

    Returns:
        `root`.

    Raises:
        FileExistsError: If there is something at `root` already.
        ValueError: If `size`, `takes` or `workers` is too small.
    """
    target = Path(root)
    _check_run(target, size, takes, workers)
    with partial(target) as path:
        what = f"drawing puppets of {size[0]}x{size[1]} into {target}"
        _run(what, _jobs(path, size, takes, seed), workers)
        path.rename(target)
    return root


def _check_run(target, size, takes, workers):
    if target.exists():
        raise FileExistsError(
            f"{target} exists already. Puppets are written into a new folder "
            "only: remove it, or name another one."
        )
    clip.check_size(size)
    for name, value in (("takes", takes), ("workers", workers)):
        if value < 1:
            raise ValueError(f"{name}={value!r}: want 1 or more.")


def _jobs(root, size, takes, seed):
    """Returns `(folder, actors, action, size, seed)` of each clip to write."""
    jobs = []
    for name in cast.SETS:
        actors = (int(name[1:3]), int(name[4:6]))
        for action in range(1, len(cast.ACTIONS) + 1):
            for take in range(1, takes + 1):
                folder = root / name / f"{action:02d}" / f"{take:03d}"
                entropy = (seed, *actors, action, take)
                state = np.random.SeedSequence(entropy).generate_state(2)
                clip_seed = int(state[0]) << 32 | int(state[1])
                jobs.append((folder, actors, action, size, clip_seed))
    return jobs


def _run(what, jobs, workers):
    with progress.shown(what, len(jobs), "clip") as done:
        for _ in _finished(jobs, workers):
            done()


def _finished(jobs, workers):
    """Yields whenever a clip is written."""
    if workers == 1:
        yield from map(_write, jobs)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _end_with_parent)
    try:
        for future in as_completed([pool.submit(_write, job) for job in jobs]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent():
    """Ends a worker with the process that it draws for, however that ends.

    Otherwise it would go on writing, or wait for ever.
    """
    # Ctrl-C reaches workers too; it is the parent that clears up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process().sentinel

    def wait():
        multiprocessing.connection.wait([parent])
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _write(job):
    import cv2

    folder, actors, action, size, seed = job
    cv2.setNumThreads(1)
    folder.mkdir(parents=True)
    for number, frame in enumerate(
        clip.draw(actors, action, size=size, seed=seed), start=1
    ):
        path = folder / f"rgb_{number:06d}.png"
        bgr = np.ascontiguousarray(frame[..., ::-1])
        if not cv2.imwrite(str(path), bgr, [cv2.IMWRITE_PNG_COMPRESSION, 4]):
            raise OSError(f"{path}: not written. Is the disk full?")
