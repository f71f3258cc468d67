"""What a SavedModel would do, read from its file before TensorFlow runs it."""

import pathlib

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

FILE = "saved_model.pb"
# What an exported f_A or Naive Downsample is made of, in any precision: none of
# it reaches a file, a process or the network.
OPERATIONS = frozenset(
    [
        *("AddV2", "AvgPool", "BiasAdd", "Cast", "ConcatV2", "Const", "Conv2D"),
        *("Conv2DBackpropInput", "DepthToSpace", "DepthwiseConv2dNative"),
        *("ExpandDims", "FloorMod", "Identity", "Maximum", "Mean", "Minimum"),
        *("MirrorPad", "Mul", "Neg", "NoOp", "Pack", "Pad", "ReadVariableOp"),
        *("RealDiv", "Relu", "Reshape", "Round", "Rsqrt", "Shape"),
        *("SpaceToDepth", "SquaredDifference", "Squeeze", "StopGradient"),
        *("StridedSlice", "Tanh", "Tile", "Unpack"),
    ]
)
CALLS = frozenset(("PartitionedCall", "StatefulPartitionedCall"))
OBJECTS = frozenset(
    ("bare_concrete_function", "function", "user_object", "variable")
)


def check(folder):
    """Raises unless a SavedModel does nothing but compute as an f_A does.

    The functions that it offers, and those that they call, are looked at;
    TensorFlow never runs the others that such a file holds, which save and
    restore weights.

    Args:
        folder: Path of a SavedModel.

    Raises:
        ValueError: If it holds anything else, or cannot be read.
    """
    beyond = sorted(_beyond(_parse(pathlib.Path(folder))))
    if beyond:
        raise ValueError(
            f"{folder} holds {', '.join(beyond)}, which an anonymizer has no "
            "use for and which may reach files or the network. Only if you "
            "trust whoever made it, load it with --trust_model, or "
            "Anonymizer.load(path, trusted=True)."
        )


def _parse(folder):
    # TensorFlow would prefer another form to the one that is looked at.
    others = [path.name for path in folder.glob("saved_model.*")]
    if others != [FILE]:
        raise ValueError(
            f"{folder} holds {', '.join(sorted(others))}; wanted {FILE} and no "
            "other form of a model. Export it anew."
        )
    try:
        model = saved_model_pb2.SavedModel.FromString(
            (folder / FILE).read_bytes()
        )
        (graph,) = model.meta_graphs
    except (DecodeError, ValueError) as error:
        raise ValueError(
            f"{folder / FILE} is damaged or not of one graph: {error}. Export "
            "it anew."
        ) from error
    if not graph.HasField("object_graph_def"):
        raise ValueError(
            f"{folder / FILE} was made by TensorFlow 1. Export it anew."
        )
    return graph


def _beyond(graph):
    """Names of all that is run or loaded and is no part of an f_A."""
    objects = graph.object_graph_def
    for node in objects.nodes:
        if node.WhichOneof("kind") not in OBJECTS:
            yield f"an object ({node.WhichOneof('kind')})"
        if node.registered_name or node.saveable_objects:
            yield "an object that loads by code of its own"
    functions = {
        function.signature.name: function
        for function in graph.graph_def.library.function
    }
    seen, due = set(), list(objects.concrete_functions)
    while due:
        name = due.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in functions:
            yield f"a function that is not there ({name})"
            continue
        for node in functions[name].node_def:
            if node.op not in OPERATIONS | CALLS | functions.keys():
                yield node.op
            due += [node.op] if node.op in functions else []
            due += _called(node)


def _called(node):
    """Names of the functions in the attributes of a node."""
    for attribute in node.attr.values():
        for function in (attribute.func, *attribute.list.func):
            if function.name:
                yield function.name
