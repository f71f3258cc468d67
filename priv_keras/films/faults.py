"""Says what is wrong with a film, without repeating what the film says."""


def explained(error):
    """Returns what an error says, in one line.

    The message of a library may repeat text of the film, such as a title or a
    comment, so it is not passed on.

    Args:
        error: Exception that was raised.

    Returns:
        String that prints as one line.
    """
    reason = getattr(error, "strerror", None)
    if _is_ours(error):
        text = str(error)
    elif reason:
        name = getattr(error, "filename", None)
        text = f"{reason}: {name}" if name else reason
    else:
        text = f"a library failed with {type(error).__name__}"
    return legible("; ".join(text.splitlines()))


def _is_ours(error):
    """Returns whether code of this package raised an error."""
    step = error.__traceback__
    while step.tb_next:
        step = step.tb_next
    names = step.tb_frame.f_globals
    spec = names.get("__spec__")  # has the name of a module that is run by -m
    module = spec.name if spec else names.get("__name__", "")
    return module.startswith("priv_keras.")


def legible(text):
    """Returns text in which what does not print is escaped, so that no name
    commands a terminal."""
    return "".join(
        each if each.isprintable() else ascii(each)[1:-1] for each in text
    )
