"""Training: loops that take a network and a task and return what happened, with progress that suits the place."""

from companion.training.progress import progress

__all__ = ["progress"]
