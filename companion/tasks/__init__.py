"""Tasks: the sequence problems and data sets of the course. They know no model and no training.

Every task says where it comes from, what guessing scores and, where it is known, what the best possible predictor
scores. Shapes are time first: inputs `(T, B, input_size)`, targets one a step, with a mark where there is none.

`sunspots`, `characters`, `digits` and `names` are data sets with a `load`; the others are drawn, and take a generator.
A size, a length or a part that makes no sense is a ValueError that names it, what was expected and what came.
"""

from companion.tasks.adding import Adding
from companion.tasks.agreement import Agreement
from companion.tasks.batching import Batch, one_hot, pad
from companion.tasks.copying import Copying
from companion.tasks.echo import Echo
from companion.tasks.grammar import AnBn, EmbeddedReber, GrammarBatch
from companion.tasks.parity import Parity
from companion.tasks.temporal_order import TemporalOrder
from companion.tasks.timing import SpikeDelays, TimedSpikes

__all__ = [
    "Adding",
    "Agreement",
    "AnBn",
    "Batch",
    "Copying",
    "Echo",
    "EmbeddedReber",
    "GrammarBatch",
    "Parity",
    "SpikeDelays",
    "TemporalOrder",
    "TimedSpikes",
    "one_hot",
    "pad",
]
