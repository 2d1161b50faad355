"""The page as ipywidgets: one state, and views that only follow it."""

from scarlib.ui.dashboard import Dashboard

__all__ = ["Dashboard"]
