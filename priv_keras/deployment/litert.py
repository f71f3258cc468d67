"""Runs an exported f_A that is a TFLite file, on all cores."""

import os

import numpy as np

MAX_OPERATORS = 1000  # kinds of them; LiteRT has some 200


class LiteModel:
    """A file of `tflite.convert` as a function of 8-bit frames.

    For one thread at a time: it holds the frame that it is busy with.

    Args:
        content: Bytes of the file.

    Raises:
        ValueError: If they are no TFLite model, or one with operators that
            LiteRT itself does not have.
    """

    def __init__(self, content):
        _check_operators(content)
        # In here: a SavedModel does without.
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(
            model_content=content, num_threads=os.cpu_count()
        )
        (self.input,) = self.interpreter.get_input_details()
        (self.output,) = self.interpreter.get_output_details()
        self.shape = None

    def __call__(self, frames):
        """Anonymizes uint8 frames `(n, height, width, 3)`, one by one."""
        self._fit((1, *frames.shape[1:]))
        anonymized = np.empty_like(frames)
        for i in range(len(frames)):
            self.interpreter.set_tensor(self.input["index"], frames[i : i + 1])
            self.interpreter.invoke()
            anonymized[i] = self.interpreter.get_tensor(self.output["index"])[0]
        return anonymized

    def _fit(self, shape):
        if shape != self.shape:
            self.interpreter.resize_tensor_input(self.input["index"], shape)
            self.interpreter.allocate_tensors()
            self.shape = shape


def _check_operators(content):
    """Raises if a model holds operators that are not LiteRT's own.

    LiteRT would pass one of a name like `FlexWriteFile` on to TensorFlow, if
    that is loaded and offers to run it.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content)
    count = model.OperatorCodesLength()
    if count > MAX_OPERATORS:
        raise ValueError(f"it names {count} operators")
    for i in range(count):
        operator = model.OperatorCodes(i)
        # As LiteRT reads it: earlier files have the deprecated one alone.
        code = max(operator.BuiltinCode(), operator.DeprecatedBuiltinCode())
        custom = operator.CustomCode()
        if custom or code == schema.BuiltinOperator.CUSTOM:
            raise ValueError(
                f"it holds the operator {custom!r:.80}, which is not LiteRT's "
                "own"
            )
