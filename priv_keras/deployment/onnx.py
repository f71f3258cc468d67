"""Converts f_A for ONNX Runtime, for programs in other languages.

Our own programs do not read such files, which are hardly quicker than the
float32 files of TFLite (`benchmarks/export.py`).
"""

import pathlib

import numpy as np
import tensorflow as tf

from priv_keras.deployment import card as cards
from priv_keras.networks import bounds
from priv_keras.pixels import to_float
from priv_keras.pixels import to_uint8

ONNX_FILE = "anonymizer.onnx"
OPSET = 18
LARGEST = 1  # grey levels by which the file may differ from f_A
FRAMES = tf.TensorSpec((None, None, None, 3), tf.uint8, "frames")
NOISE = tf.TensorSpec((None, None, None, 3), tf.float32, "noise")


def convert(anonymizer):
    """Returns f_A as the bytes of an ONNX file.

    It takes uint8 `frames` `(batch, height, width, 3)` of any height and
    width, and returns uint8 frames of the same shape. If f_A adds noise, it
    also takes `noise`, float32 `(batch, ceil(height / s), ceil(width / s), 3)`
    where s is the low-pass of f_A: standard normal numbers, anew for each
    frame. ONNX Runtime would seed noise of its own by the clock, and whoever
    guesses the seed can subtract it.

    Args:
        anonymizer: Model from frames in [0, 1] to frames in [0, 1].

    Raises:
        ImportError: If `tf2onnx` is not installed.
    """
    import tf2onnx

    anonymizer = bounds.unpredictable(anonymizer)  # a copy if it adds noise
    channel = bounds.channel_of(anonymizer)

    def serve(frames, noise=None):
        if channel:
            channel.normal = lambda _: noise
        return to_uint8(anonymizer(to_float(frames)))

    signature = [FRAMES, NOISE] if channel else [FRAMES]
    model, _ = tf2onnx.convert.from_function(
        tf.function(serve, input_signature=signature),
        input_signature=signature,
        opset=OPSET,
    )
    return model.SerializeToString()


def export_onnx(anonymizer, folder, check, card=None):
    """Writes f_A as an ONNX file, with its card.

    Args:
        anonymizer: See `convert`.
        folder: Path of a folder; what is there is replaced once the new one is
            complete.
        check: Real uint8 frames `(n, height, width, 3)` on which the file is
            compared with `anonymizer`.
        card: Dict, see `card.write`, or `None`.

    Raises:
        ImportError: If `tf2onnx` or `onnxruntime` is not installed.
        ValueError: If an output differs by more than a grey level; nothing is
            written then.
    """
    content = convert(anonymizer)
    error = _error(anonymizer, content, check)
    if error > LARGEST:
        raise ValueError(
            f"The output of onnx is up to {error} grey levels off that of f_A, "
            f"and {LARGEST} is allowed. Nothing was written. Give another "
            "--format."
        )
    with cards.published(pathlib.Path(folder), card) as partial:
        (partial / ONNX_FILE).write_bytes(content)


def _error(anonymizer, content, frames):
    """Returns the largest difference in grey levels, without any noise."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content)
    quiet = bounds.without_noise(anonymizer)
    expected = to_uint8(quiet(to_float(frames))).numpy().astype(int)
    inputs = {"frames": frames}
    if channel := bounds.channel_of(anonymizer):
        _, height, width, _ = frames.shape
        squares = (-(-pixels // channel.block) for pixels in (height, width))
        inputs["noise"] = np.zeros((len(frames), *squares, 3), "float32")
    return int(np.abs(session.run(None, inputs)[0] - expected).max())
