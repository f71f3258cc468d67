"""f_A for TensorFlow Lite: as it is, in half the bytes, or in integers.

Instance normalization forgives any scale and shift of what it is given, and
that is what makes 8-bit integers fit. As trained, a convolution's channels
differ in mean and range by orders of magnitude; in integers of one scale the
narrow ones drown, and normalization then raises their rounding errors to unit
variance. So each convolution in front of a normalization is given weights with
which its channels have mean 0 and variance 1 on real frames. Normalization
itself stays in float: a variance has no range that 8 bits cover.
"""

import pathlib
import tempfile
import warnings

import keras
import numpy as np
import tensorflow as tf

from priv_keras.deployment import card as cards
from priv_keras.deployment.litert import LiteModel
from priv_keras.pixels import to_float
from priv_keras.pixels import to_uint8

# What stays in float where convolutions are in integers.
FLOAT = (
    *("ADD", "MEAN", "MINIMUM", "MUL", "RELU", "ROUND", "RSQRT", "SUB", "TANH"),
    *("DEPTH_TO_SPACE", "PAD", "RESHAPE", "SPACE_TO_DEPTH", "STRIDED_SLICE"),
)
TFLITE_FILE = "anonymizer.tflite"
MIN_PSNR = 30.0  # dB; below it, figures of f_A say nothing of the export
CHECKED = 4  # frames that f_A filters at once


def convert(anonymizer, precision, frames=None):
    """Returns f_A as the bytes of a TFLite file.

    It takes a uint8 frame `(1, height, width, 3)`, any height and width, and
    returns a uint8 frame of the same shape. It computes in float32 whatever
    the policy that `anonymizer` was built with.

    Args:
        anonymizer: Model of frames in [0, 1], of layers that act on each
            frame by itself.
        precision: One of `CONVERTERS`, of the weights; `int8` is also that of
            what convolutions take and return.
        frames: Of `int8`: uint8 frames `(n, height, width, 3)` to calibrate
            it on, real ones.

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
        _save(_portable(anonymizer, _spread(anonymizer, calibration)), folder)
        return CONVERTERS[precision](folder, frames)


class InstanceNormalization(keras.layers.Layer):
    """`GroupNormalization(groups=-1)` without its reshapes, which TFLite
    spends most of its time on.

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
    """Mean and standard deviation of each channel that is normalized.

    Args:
        model: Model of frames in [0, 1].
        frames: uint8 frames to measure them on; `None` to leave channels as
            they are.

    Returns:
        Dict of names, those of a convolution and of the normalization of its
        output, to pairs.
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
    """`model` in float32, of operations that TFLite is quick at."""

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
    """Weights with which a convolution's channels have mean 0 and variance 1,
    or with which the normalization of such channels does what it did."""
    channels = np.ones(layer.output.shape[-1], "float32")
    if isinstance(layer, keras.layers.GroupNormalization):
        return [*weights, layer.epsilon / (channels * deviation) ** 2]
    (kernel,) = weights
    scale = channels / deviation
    # Of the kernel, (height, width, in, out), or of a transposed one.
    transposed = isinstance(layer, keras.layers.Conv2DTranspose)
    scaled = kernel * (scale[:, None] if transposed else scale)
    return [scaled, -mean * scale]


def _save(model, folder):
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "serve",
        lambda frames: to_uint8(model(to_float(frames))),
        # One frame: normalization is of each by itself, and so is this.
        input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8)],
    )
    archive.write_out(folder, verbose=False)


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
    with warnings.catch_warnings():  # of an interpreter that is not ours
        warnings.simplefilter("ignore", UserWarning)
        return tf.lite.experimental.QuantizationDebugger(
            converter=converter,
            debug_dataset=calibration,
            debug_options=tf.lite.experimental.QuantizationDebugOptions(
                denylisted_ops=list(FLOAT)
            ),
        ).get_nondebug_quantized_model()


CONVERTERS = {"float32": _float32, "float16": _float16, "int8": _int8}


def export_tflite(
    anonymizer, folder, precision, check, calibration=None, card=None
):
    """Writes f_A as a TFLite file, and its card.

    Args:
        anonymizer: Model of frames in [0, 1].
        folder: Path of a folder; what is there is replaced, once the new one
            is complete.
        precision: As of `tflite.convert`.
        check: uint8 frames `(n, height, width, 3)`, real ones, on which it is
            compared with `anonymizer`.
        calibration: Frames of the same kind, others, for `int8`.
        card: Dict as `card.write` takes it, or `None`.

    Returns:
        Float, the PSNR in dB between the two outputs.

    Raises:
        ValueError: If that is below `MIN_PSNR`; nothing is written then.
    """
    content = convert(anonymizer, precision, calibration)
    psnr = _psnr(anonymizer, LiteModel(content), check)
    if psnr < MIN_PSNR:
        raise ValueError(
            f"tflite_{precision} is {psnr:.1f} dB (PSNR) from f_A; at least "
            f"{MIN_PSNR:.0f} dB are wanted, or the figures of f_A say nothing "
            "of it. Nothing was written. Give more --calibration_frames, or "
            "another --format."
        )
    card = card and {**card, "psnr": psnr}
    with cards.published(pathlib.Path(folder), card) as partial:
        (partial / TFLITE_FILE).write_bytes(content)
    return psnr


def _psnr(anonymizer, model, frames):
    """Between what two make of `frames`, dB; of equal ones, 99."""
    errors = []
    for i in range(0, len(frames), CHECKED):
        some = frames[i : i + CHECKED]
        wanted = to_uint8(anonymizer(to_float(some))).numpy()
        errors.append((wanted.astype("float64") - model(some)) ** 2)
    error = np.mean(np.concatenate(errors))
    return float(min(99.0, 10 * np.log10(255**2 / max(error, 1e-12))))
