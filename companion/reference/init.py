"""Initialisations, one function each: they fill the parameters of a layer in place.

Each takes the layer and `rng`: None, an integer or a `numpy.random.Generator`.
"""

import numpy as np


def uniform(layer, rng=None) -> None:
    """U(-1/√H, 1/√H) for every parameter, in the order of the state dictionary: the default of torch.nn."""
    rng, bound = np.random.default_rng(rng), 1 / np.sqrt(layer.hidden_size)
    for value in layer.params.values():
        value[...] = rng.uniform(-bound, bound, value.shape)
