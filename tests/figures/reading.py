"""What can be read off a picture."""


def texts(axes) -> list[str]:
    """The words that stand inside the axes."""
    return [text.get_text() for text in axes.texts]


def has_named_axes(axes) -> bool:
    """Do both axes have a name?"""
    return bool(axes.get_xlabel() and axes.get_ylabel())
