"""Starts from weights that `keras.applications` downloads."""


def load(application, name, weights, flag, **options):
    """A network of `keras.applications` without its last layer, trained.

    Args:
        application: Callable of `keras.applications`.
        name: What the network is called here.
        weights: As of `application`, as `"imagenet"`.
        flag: Flag that asked for it.
        **options: For `application`.

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
    # A download fails as any of these, and an unknown width as the last.
    except (OSError, ValueError) as error:
        raise OSError(
            f"The {weights} weights of {name} cannot be had: {error}. Connect "
            "to the internet once, put the file that the message names into "
            f"~/.keras/models, or leave {flag} out."
        ) from error


def start_from(pretrained, network):
    """Copies the weights of layers of the same name."""
    for layer in pretrained.layers:
        if layer.weights:
            network.get_layer(layer.name).set_weights(layer.get_weights())
