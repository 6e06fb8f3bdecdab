"""The numbered equations of the chapter on a basic network, each against something that was made another way."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import softmax as scipy_softmax

from companion import reference as ref
from companion.reference import scores
from companion.reference.cells.rnn import RNNCell


def test_a_batch_takes_the_step_that_each_sequence_takes_alone(equation, rng):
    layer = ref.RNN(8, 16, rng=rng)
    cell = torch.nn.RNNCell(8, 16, dtype=torch.float64)
    cell.load_state_dict({name[:-3]: torch.from_numpy(value) for name, value in layer.params.items()})
    x, h = rng.normal(size=(1, 5, 8)), rng.normal(size=(1, 5, 16))
    with torch.no_grad():
        alone = [cell(torch.from_numpy(x[0, b]), torch.from_numpy(h[0, b])).numpy() for b in range(5)]
    equation("eq-basic-layer", of=RNNCell.step).close(layer(x, h)[0][0], np.stack(alone), rtol=1e-12)


def test_the_dense_layer_is_a_weighted_sum_for_every_class(equation, rng):
    head = ref.Linear(6, 4, rng=rng)
    h = rng.normal(size=(3, 6))
    V, d = head.params.values()
    sums = [[d[k] + sum(V[k, j] * h[b, j] for j in range(6)) for k in range(4)] for b in range(3)]
    equation("eq-basic-dense", of=ref.Linear.__call__).close(head(h), sums, rtol=1e-12)


@pytest.mark.parametrize("scale", [1, 1000])
def test_the_softmax_is_that_of_scipy(equation, rng, scale):
    y = scale * rng.normal(size=(4, 7, 10))
    equation("eq-basic-softmax", of=scores.softmax).close(scores.softmax(y), scipy_softmax(y, axis=-1), rtol=1e-12)


def test_scores_are_floating_point_numbers():
    with pytest.raises(TypeError, match="y: expected floating-point numbers"):
        scores.softmax(np.arange(3))


@pytest.mark.parametrize(("I", "H", "O"), [(8, 64, 10), (26, 64, 11), (1, 1, 2)])
def test_the_size_is_what_pytorch_counts(equation, I, H, O):  # noqa: E741
    parts = (torch.nn.RNN(I, H), torch.nn.Linear(H, O))
    made = sum(value.numel() for part in parts for value in part.parameters())
    equation("eq-basic-size", of=scores.reader_size).close([scores.reader_size(I, H, O)], [made], rtol=1e-15)
    assert scores.reader_size(I, H, O) == H * (I + H + 2) + O * (H + 1)


def torch_loss(logits, targets):
    logits = torch.from_numpy(logits).requires_grad_()
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(targets))
    loss.backward()
    return loss.item(), logits.grad.numpy()


def test_the_loss_and_its_gradient_are_those_that_pytorch_finds(equation, rng):
    logits, targets = 3 * rng.normal(size=(6, 10)), rng.integers(10, size=6)
    loss, gradient = ref.softmax_cross_entropy(logits, targets)
    value, slope = torch_loss(logits, targets)
    equation("eq-basic-loss", of=ref.softmax_cross_entropy).close([loss], [value], rtol=1e-12)
    equation("eq-basic-gradient", of=ref.softmax_cross_entropy).close(gradient, slope, rtol=1e-9, atol=1e-15)


def test_the_gradient_is_the_complex_step_through_a_loss_in_plain_python(equation, rng):
    import cmath

    y, c, tiny = rng.normal(size=5).tolist(), 2, 1e-30

    def slope(k):
        moved = [value + (1j * tiny if j == k else 0) for j, value in enumerate(y)]
        return (cmath.log(sum(map(cmath.exp, moved))) - moved[c]).imag / tiny

    gradient = ref.softmax_cross_entropy(np.array(y), np.array(c))[1]
    equation("eq-basic-gradient", of=ref.softmax_cross_entropy).close(
        gradient, [slope(k) for k in range(5)], rtol=1e-12
    )


def test_the_masked_loss_is_the_mean_over_the_steps_that_count(equation, rng):
    logits, targets = rng.normal(size=(7, 5, 4)), rng.integers(4, size=(7, 5))
    lengths = np.array([7, 1, 3, 5, 2])
    kept = [(t, b) for b in range(5) for t in range(lengths[b])]
    own = [-math.log(math.exp(logits[t, b, targets[t, b]]) / np.exp(logits[t, b]).sum()) for t, b in kept]
    loss, gradient = ref.softmax_cross_entropy(logits, targets, lengths=lengths)
    equation("eq-basic-masked", of=ref.softmax_cross_entropy).close([loss], [sum(own) / len(own)], rtol=1e-12)
    steps, sequences = zip(*kept, strict=True)
    expected = np.zeros_like(logits)
    expected[list(steps), list(sequences)] = torch_loss(
        logits[list(steps), list(sequences)], targets[list(steps), list(sequences)]
    )[1]
    equation("eq-basic-masked", of=ref.softmax_cross_entropy).close(gradient, expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("classes", [2, 10, 11])
def test_no_scores_bring_the_loss_of_two_softmaxes_below_the_floor(equation, rng, classes):
    def loss(y):
        twice = torch.softmax(torch.from_numpy(y), 0)
        return torch.nn.functional.cross_entropy(twice, torch.tensor(0)).item()

    found = [minimize(loss, rng.normal(size=classes), method="BFGS").fun for _ in range(3)]
    floor = scores.twice_floor(classes)
    assert min(found) >= floor - 1e-12
    at_best = loss(np.concatenate([[200.0], np.zeros(classes - 1)]))
    equation("eq-basic-floor", of=scores.twice_floor).close([floor], [at_best], rtol=1e-12)
    assert floor == pytest.approx(math.log(math.e + classes - 1) - 1)
