"""Drawings that the server makes as SVG: no script, no style attribute, the colours come from classes."""

from hevesy.foundation.ui.drawings.charts import Chart, Series, draw_chart
from hevesy.foundation.ui.drawings.timelines import (
    Delivery,
    Span,
    Timeline,
    TimelineRow,
    draw_timeline,
)
from hevesy.foundation.ui.drawings.trees import Tree, TreeNode, draw_tree

__all__ = [
    "Chart",
    "Delivery",
    "Series",
    "Span",
    "Timeline",
    "TimelineRow",
    "Tree",
    "TreeNode",
    "draw_chart",
    "draw_timeline",
    "draw_tree",
]
