"""Runs TFLite files of f_A with LiteRT, on all cores."""

import os

import numpy as np

MAX_OPERATORS = 1000  # kinds of operators in a file; LiteRT has about 200


class LiteModel:
    """A TFLite file as a function from 8-bit frames to 8-bit frames.

    Only one thread may call it at a time, since it holds the current frame.

    Args:
        content: Bytes, what `tflite.convert` returned.

    Raises:
        ValueError: If they are not a TFLite model, or the model has operators
            that are not LiteRT's own.
    """

    def __init__(self, content):
        _check_operators(content)
        # Imported here because a SavedModel does not need it.
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(
            model_content=content, num_threads=os.cpu_count()
        )
        (self.input,) = self.interpreter.get_input_details()
        (self.output,) = self.interpreter.get_output_details()
        self.shape = None

    def __call__(self, frames):
        """Anonymizes uint8 frames `(n, height, width, 3)`, one by one.

        Returns:
            uint8 array of the same shape.
        """
        self._resize_input((1, *frames.shape[1:]))
        anonymized = np.empty_like(frames)
        for i in range(len(frames)):
            self.interpreter.set_tensor(self.input["index"], frames[i : i + 1])
            self.interpreter.invoke()
            anonymized[i] = self.interpreter.get_tensor(self.output["index"])[0]
        return anonymized

    def _resize_input(self, shape):
        if shape != self.shape:
            self.interpreter.resize_tensor_input(self.input["index"], shape)
            self.interpreter.allocate_tensors()
            self.shape = shape


def _check_operators(content):
    """Raises if a model holds operators that are not LiteRT's own.

    LiteRT would pass an operator such as `FlexWriteFile` on to TensorFlow if
    that is loaded and offers to run it.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content)
    count = model.OperatorCodesLength()
    if count > MAX_OPERATORS:
        raise ValueError(f"it names {count} operators")
    for i in range(count):
        operator = model.OperatorCodes(i)
        # LiteRT does the same, since old files have only the deprecated code.
        code = max(operator.BuiltinCode(), operator.DeprecatedBuiltinCode())
        custom = operator.CustomCode()
        if custom or code == schema.BuiltinOperator.CUSTOM:
            raise ValueError(
                f"it holds the operator {custom!r:.80}, which is not LiteRT's "
                "own"
            )
