"""Tasks: the sequence problems and data sets of the course. They know no model and no training.

Every task says where it comes from, what guessing scores and, where it is known, what the best possible predictor
scores. Shapes are time first: inputs `(T, B, input_size)`, class labels `(T, B)` or `(B,)`.
"""

from companion.tasks.batching import Batch, one_hot, pad
from companion.tasks.echo import Echo

__all__ = ["Batch", "Echo", "one_hot", "pad"]
