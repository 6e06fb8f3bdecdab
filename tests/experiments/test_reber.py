"""The experiment of 1997 does what its page says: two sets apart, one step downhill, and a criterion without mercy."""

import numpy as np
import torch

from companion import reference as ref
from companion.experiments import reber


def test_words_to_learn_and_words_to_try_are_apart():
    learnt, tried = reber.two_sets(np.random.default_rng(0), 40)
    first, second = (
        {tuple(np.flatnonzero(batch.x[:, b].ravel())) for b in range(batch.x.shape[1])} for batch in (learnt, tried)
    )
    assert first
    assert second
    assert not first & second


def test_a_step_is_plain_descent_on_the_squared_error_of_logistic_outputs():
    learnt, _ = reber.words([0], 5)
    layer, head = reber.networks("1997", 4, [0], 0.2)
    word = learnt.pick(np.array([3]))
    weights = {name: torch.tensor(value[0], requires_grad=True) for name, value in (layer.params | head.params).items()}
    h = c = torch.zeros(4)
    loss = 0.0
    x, y, asked = word.x[0, 0], word.y[0, 0], word.asked[0, 0]
    for x_t, y_t, asks in zip(x, y, asked, strict=True):
        a = weights["weight_ih_l0"] @ torch.from_numpy(x_t) + weights["weight_hh_l0"] @ h + weights["bias_ih_l0"]
        i, g, o = a.split(4)
        c = c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        said = torch.sigmoid(weights["weight"] @ h + weights["bias"])
        if asks:
            loss = loss + ((said - torch.eye(7)[int(y_t)]) ** 2).sum() / 2
    loss.backward()
    params = {name: value for name, value in layer.params.items() if not name.startswith("bias_hh")} | head.params
    before = {name: value.copy() for name, value in params.items()}
    reber.update(layer, head, word, ref.SGD(params, lr=0.5))
    for name, value in params.items():
        expected = before[name][0] - 0.5 * weights[name].grad.numpy()
        np.testing.assert_allclose(value[0], expected, rtol=1e-4, atol=1e-6, err_msg=name)


def test_one_step_that_is_wrong_spoils_a_word():
    learnt, _ = reber.words([0], 6)

    class Says:
        """A head that says what it was given."""

        def __init__(self, said):
            self.said = said

        def __call__(self, _):
            return self.said.swapaxes(1, 2)

    def silent(x):
        return x, None

    right = learnt.legal.astype(float)
    assert reber.all_right(silent, Says(right), learnt).tolist() == [1.0]
    wrong = right.copy()
    t = int(np.flatnonzero(~learnt.legal[0, 2, 1])[0])
    wrong[0, 2, 1, t] = 2.0  # a letter that may not follow is rated above all others
    np.testing.assert_allclose(reber.all_right(silent, Says(wrong), learnt), [5 / 6])
