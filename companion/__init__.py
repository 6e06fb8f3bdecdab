"""Companion package of *Unrolled*, a course on recurrent neural networks.

Importing this package is cheap on purpose: subpackages load their own needs when they are imported, and
`companion.reference` needs NumPy alone.
"""

__version__ = "0.1.0"
