"""Weights that `keras.applications` downloads, as a start for training."""


def load(application, name, weights, flag, **options):
    """Returns a pretrained network of `keras.applications`, without its head.

    Args:
        application: Callable of `keras.applications`.
        name: What the network is called in this project.
        weights: What `application` takes, such as `"imagenet"`.
        flag: Flag that asked for the weights.
        **options: Keyword arguments of `application`.

    Raises:
        OSError: If the weights cannot be had.
    """
    try:
        return application(
            input_shape=(224, 224, 3),
            weights=weights,
            include_top=False,
            **options,
        )
    # A failed download raises either, and an unknown width a `ValueError`.
    except (OSError, ValueError) as error:
        raise OSError(
            f"The {weights} weights of {name} cannot be had: {error}. Connect "
            "to the internet once, put the file that the message names into "
            f"~/.keras/models, or leave {flag} out."
        ) from error


def start_from(pretrained, network):
    """Copies the weights of `pretrained` to `network`, by names of layers."""
    for layer in pretrained.layers:
        if layer.weights:
            network.get_layer(layer.name).set_weights(layer.get_weights())
