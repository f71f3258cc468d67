"""Converts f_A for TensorFlow Lite: to float32, float16 or 8-bit integers.

Instance normalization removes any scale and shift of its input, which is what
makes 8-bit integers possible. After training, a convolution's channels differ
in mean and range by orders of magnitude. Integers of one scale would lose the
narrow ones, and normalization would then raise their rounding errors to unit
variance. Each convolution in front of a normalization therefore gets weights
with which its channels have mean 0 and variance 1 on real frames. Normalization
itself stays in float, since 8 bits do not cover the range of a variance.
"""

import pathlib
import tempfile
import warnings

import keras
import numpy as np
import tensorflow as tf

from priv_keras.deployment import card as cards
from priv_keras.deployment import saved_model
from priv_keras.deployment.litert import LiteModel
from priv_keras.networks import bounds
from priv_keras.pixels import to_float
from priv_keras.pixels import to_uint8

# The operators that stay in float when convolutions are in integers.
FLOAT_OPERATORS = [
    "ADD",
    "DEPTH_TO_SPACE",
    "MEAN",
    "MINIMUM",
    "MUL",
    "PAD",
    "RELU",
    "RESHAPE",
    "ROUND",
    "RSQRT",
    "SPACE_TO_DEPTH",
    "STRIDED_SLICE",
    "SUB",
    "TANH",
]
TFLITE_FILE = "anonymizer.tflite"
MIN_PSNR = 30.0  # dB; below it, figures of f_A say nothing about the export
CHECK_BATCH = 4  # frames that are compared at once


def convert(anonymizer, precision, frames=None):
    """Returns f_A as the bytes of a TFLite file.

    The file takes a uint8 frame `(1, height, width, 3)` of any height and
    width, and returns a uint8 frame of the same shape. It computes in float32,
    whatever the dtype policy of `anonymizer`.

    Args:
        anonymizer: Model from frames in [0, 1] to frames in [0, 1], whose
            layers treat each frame by itself.
        precision: Key of `CONVERTERS`, the precision of the weights; with
            `int8`, also that of the inputs and outputs of convolutions.
        frames: Real uint8 frames `(n, height, width, 3)` for the calibration
            of `int8`; ignored otherwise.

    Returns:
        Bytes.

    Raises:
        ValueError: If `precision` is unknown, or `frames` are missing.
    """
    if precision not in CONVERTERS:
        raise ValueError(
            f"`precision` must be one of {', '.join(CONVERTERS)}. Received: "
            f"{precision!r}."
        )
    if precision == "int8" and (frames is None or not len(frames)):
        raise ValueError(
            "`int8` needs `frames` to calibrate on. Received: none."
        )
    calibration = frames if precision == "int8" else None
    with tempfile.TemporaryDirectory() as folder:
        portable = _portable(anonymizer, _spread(anonymizer, calibration))
        # One frame at a time, since each is normalized by itself.
        saved_model.write(portable, folder, batch=1)
        return CONVERTERS[precision](folder, frames)


def export_tflite(
    anonymizer, folder, precision, check, calibration=None, card=None
):
    """Writes f_A as a TFLite file, with its card.

    Args:
        anonymizer: See `convert`.
        folder: Path of a folder; what is there is replaced once the new one is
            complete.
        precision: See `convert`.
        check: Real uint8 frames `(n, height, width, 3)` on which the file is
            compared with `anonymizer`.
        calibration: Other frames of the same kind, for `int8`.
        card: Dict, see `card.write`, or `None`.

    Returns:
        Float, the PSNR in dB between the two outputs, without the noise of
        either.

    Raises:
        ValueError: If the PSNR is below `MIN_PSNR`; nothing is written then.
    """
    content = convert(anonymizer, precision, calibration)
    quiet = bounds.without_noise(anonymizer)
    same = quiet is anonymizer
    compared = content if same else convert(quiet, precision, calibration)
    psnr = _psnr(quiet, LiteModel(compared), check)
    if psnr < MIN_PSNR:
        raise ValueError(
            f"The output of tflite_{precision} has a PSNR of {psnr:.1f} dB to "
            f"that of f_A, and at least {MIN_PSNR:.0f} dB are required for the "
            "figures of f_A to say anything about it. Nothing was written. "
            "Give more --calibration_frames, or another --format."
        )
    card = card and {**card, "psnr": psnr}
    with cards.published(pathlib.Path(folder), card) as partial:
        (partial / TFLITE_FILE).write_bytes(content)
    return psnr


def _psnr(anonymizer, model, frames):
    """Returns the PSNR between two models' outputs in dB; 99 if they agree."""
    errors = []
    for i in range(0, len(frames), CHECK_BATCH):
        batch = frames[i : i + CHECK_BATCH]
        expected = to_uint8(anonymizer(to_float(batch))).numpy()
        errors.append((expected.astype("float64") - model(batch)) ** 2)
    error = np.mean(np.concatenate(errors))
    return float(min(99.0, 10 * np.log10(255**2 / max(error, 1e-12))))


class InstanceNormalization(keras.layers.Layer):
    """`GroupNormalization(groups=-1)` without its reshapes, on which TFLite
    would spend most of its time.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.
    """

    def build(self, input_shape):
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(shape=shape, initializer="ones")
        self.beta = self.add_weight(shape=shape, initializer="zeros")
        self.epsilon = self.add_weight(shape=shape, initializer="zeros")

    def call(self, inputs):
        mean = tf.reduce_mean(inputs, (1, 2), keepdims=True)
        centred = inputs - mean
        variance = tf.reduce_mean(centred * centred, (1, 2), keepdims=True)
        scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)
        return centred * scale + self.beta


def _spread(model, frames=None):
    """Measures the mean and standard deviation of each normalized channel.

    Args:
        model: Model of frames in [0, 1].
        frames: uint8 frames to measure them on; `None` to leave channels as
            they are.

    Returns:
        Dict that maps the names of each normalization and of the convolution in
        front of it to pairs of means and standard deviations.
    """
    pairs = [
        (convolution.name, layer)
        for layer in model.layers
        if isinstance(layer, keras.layers.GroupNormalization)
        for convolution in model.layers
        if convolution.output is layer.input
    ]
    if frames is None:
        spreads = [(0.0, 1.0)] * len(pairs)
    else:
        inputs = keras.Model(model.input, [layer.input for _, layer in pairs])
        spreads = [
            (np.mean(x, (0, 1, 2)), np.std(x, (0, 1, 2)) + 1e-6)
            for x in inputs(to_float(frames))
        ]
    return {
        name: spread
        for (convolution, layer), spread in zip(pairs, spreads, strict=True)
        for name in (convolution, layer.name)
    }


def _portable(model, spread):
    """Returns `model` in float32, with operations that are fast in TFLite."""

    def portable(layer):
        if isinstance(layer, keras.layers.GroupNormalization):
            return InstanceNormalization(name=layer.name, dtype="float32")
        config = {**layer.get_config(), "dtype": "float32"}
        if layer.name in spread:
            config["use_bias"] = True
        return layer.__class__.from_config(config)

    clone = keras.models.clone_model(model, clone_function=portable)
    for layer in model.layers:
        weights = layer.get_weights()
        if layer.name in spread:
            weights = _rescaled(layer, weights, *spread[layer.name])
        clone.get_layer(layer.name).set_weights(weights)
    return clone


def _rescaled(layer, weights, mean, deviation):
    """Returns weights with which a convolution's channels have mean 0 and
    variance 1, or with which the normalization of them has the same result."""
    channels = np.ones(layer.output.shape[-1], "float32")
    if isinstance(layer, keras.layers.GroupNormalization):
        return [*weights, layer.epsilon / (channels * deviation) ** 2]
    (kernel,) = weights
    scale = channels / deviation
    # A kernel is (height, width, in, out), a transposed one ends in (out, in).
    transposed = isinstance(layer, keras.layers.Conv2DTranspose)
    scaled = kernel * (scale[:, None] if transposed else scale)
    return [scaled, -mean * scale]


def _converter(folder):
    return tf.lite.TFLiteConverter.from_saved_model(
        folder, signature_keys=["serve"]
    )


def _float32(folder, _):
    return _converter(folder).convert()


def _float16(folder, _):
    converter = _converter(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


def _int8(folder, frames):
    def calibration():
        for frame in frames:
            yield [frame[None]]

    converter = _converter(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration
    with warnings.catch_warnings():  # about the debugger's own interpreter
        warnings.simplefilter("ignore", UserWarning)
        return tf.lite.experimental.QuantizationDebugger(
            converter=converter,
            debug_dataset=calibration,
            debug_options=tf.lite.experimental.QuantizationDebugOptions(
                denylisted_ops=FLOAT_OPERATORS
            ),
        ).get_nondebug_quantized_model()


CONVERTERS = {"float32": _float32, "float16": _float16, "int8": _int8}
