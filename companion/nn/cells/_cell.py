"""What a cell is: the one place in which it is written down."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from companion.nn.cells._scan import PreActivations


class Cell(ABC):
    """One step of a recurrent layer, forward for the eager engine, and its scan both ways for the fused one.

    A new cell is one subclass: the layers, lengths, directions and engines around it know nothing of its equations.

    Attributes:
        name: how the engines call it (the table in `companion.nn._engines`).
        gates: G, the number of blocks of H rows in `weight_ih`.
        states: H times so many numbers are carried: 1 (h) or 2 (h, c).
        bounded: whether the state grows at most in proportion to the steps; if not, it is stopped past a sequence's
            end.
        joint: whether the recurrent weights multiply the state of the step before and nothing else, and add to the
            pre-activations: their gradient is then made with that of the input's weights, in one product.
    """

    name: str
    bounded: ClassVar[bool] = True
    joint: ClassVar[bool] = True
    gates: int
    states: ClassVar[int] = 1

    @abstractmethod
    def step(self, a: Tensor, state: tuple[Tensor, ...], weights: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """One time step in differentiable operations.

        Args:
            a: (B, G*H), what the input and the biases add to the pre-activations.
            state: (h,) or (h, c) of the step before, each (B, H).
            weights: the recurrent weights (G*H, H), and the cell's own vector where it has one.

        Returns:
            the new state, in the structure of ``state``; its first is the output.
        """

    @abstractmethod
    def memory(self, steps: int, held: int, batch: int, hidden: int) -> list[tuple[int, ...]]:
        """The shapes of what `scan` saves: ``held`` is the number of steps kept for `scan_back`, all of them or 1."""

    @abstractmethod
    def scan(self, a: PreActivations, state: tuple[Tensor, ...], weights: tuple[Tensor, ...], keep: bool):
        """All steps, without autograd.

        Args:
            a: `PreActivations`: it has a length, T, and gives one step after another.
            keep: whether `scan_back` will follow.

        Returns:
            ``(series, saved)``: every state as (T, B, H), in the structure of ``state``, and the tensors for
            `scan_back`.
        """

    @abstractmethod
    def scan_back(self, saved, series, state, weights, upstream, final, collect):
        """The same scan reversed.

        Args:
            saved, series, state, weights: what `scan` returned and was given.
            upstream: for each state the gradient of its series, (T, B, H), or None where it is zero.
            final: for each state the gradient of its last value, (B, H); the carry starts from it.
            collect: to be called with ``(first, end, da)`` for stretches of steps that together are all: the gradient
                (K, B, G*H) of their pre-activations.

        Returns:
            ``(dstate, dweights)``: the gradients of the initial state and of the weights; with `joint` the first of the
            weights' is not looked at.
        """
