"""Every plot, diagram and colour of the book. Figures draw arrays and know no model.

The reader meets this package only as one-line calls at the end of a notebook cell; what such a call draws is an
array that the cells above computed in plain sight. `palette` holds the six colours, `style` what Matplotlib is told
about them, and each chapter has a module of its own.
"""
