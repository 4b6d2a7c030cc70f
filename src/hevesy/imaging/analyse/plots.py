"""Outcomes as pictures: SVG or PNG, English or Chinese, without a screen."""

from __future__ import annotations

import io
import threading
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np

from hevesy.imaging.analyse.outcome import CurvePanel, ImagePanel, Outcome
from hevesy.imaging.refusal import Refused

# Fonts with Chinese characters that systems ship, best first; browsers choose for SVG themselves.
_CHINESE_FONTS: Final = [
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "WenQuanYi Micro Hei",
    "SimHei",
]
# Settings of matplotlib are global to the process, so drawing is one at a time.
_DRAWING: Final = threading.Lock()


def picture(outcome: Outcome, *, kind: str = "svg", language: str = "en") -> bytes:
    """The panels of an outcome side by side; kind "svg" or "png", language "en" or "zh".

    Text in SVG stays text, and the same outcome gives the same bytes. Chinese in PNG needs a
    Chinese font on the machine. Raises `Refused` (`nothing_to_plot`, `no_chinese_font`).
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    if not outcome.panels:
        raise Refused(
            "nothing_to_plot",
            "This study has nothing to draw with these inputs.",
            "该分析没有可绘制的图形。",
        )
    fonts = ["DejaVu Sans"]
    if language == "zh":
        fonts = _chinese_fonts(needed=kind == "png") + fonts
    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": "hevesy",
        "font.sans-serif": fonts,
        "font.family": "sans-serif",
    }
    columns = min(2, len(outcome.panels))
    rows = -(-len(outcome.panels) // columns)
    with _DRAWING, matplotlib.rc_context(settings), warnings.catch_warnings():
        # In SVG the browser brings the font; only the width of a label is then a guess.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(5.2 * columns, 3.6 * rows), layout="constrained")
        for index, panel in enumerate(outcome.panels):
            axes = figure.add_subplot(rows, columns, index + 1)
            if isinstance(panel, CurvePanel):
                _draw_lines(axes, panel, language)
            else:
                _draw_image(axes, panel, language)
        target = io.BytesIO()
        if kind == "svg":
            FigureCanvasSVG(figure).print_svg(target, metadata={"Date": None, "Creator": "Hevesy"})
        else:
            FigureCanvasAgg(figure).print_png(target)
    return target.getvalue()


def write_picture(outcome: Outcome, path: Path, *, language: str = "en") -> None:
    """Write `picture` to a file whose name ends in .svg or .png. Raises `Refused`, OSError."""
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("svg", "png"):
        raise Refused(
            "picture_kind",
            "A plot is written as .svg or .png: change the ending of the file name.",
            "图形只能保存为 .svg 或 .png，请修改文件扩展名。",
            path.name,
        )
    path.write_bytes(picture(outcome, kind=kind, language=language))


def _chinese_fonts(*, needed: bool) -> list[str]:
    from matplotlib import font_manager

    known = {one.name for one in font_manager.fontManager.ttflist}
    found = [one for one in _CHINESE_FONTS if one in known]
    if needed and not found:
        raise Refused(
            "no_chinese_font",
            "This machine has no Chinese font: write the plot as .svg, or install one.",
            "本机没有中文字体，请改存为 .svg 或安装中文字体。",
        )
    return found


def _draw_lines(axes: Any, panel: CurvePanel, language: str) -> None:
    for line in panel.lines:
        style: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 3.5}
        axes.plot(
            line.x,
            line.y,
            label=line.label_zh if language == "zh" else line.label_en,
            **(style if line.marks else {"linewidth": 1.3}),
        )
    for position in panel.verticals:
        axes.axvline(position, color="0.6", linewidth=0.8, linestyle="--")
    axes.set_title(panel.title_zh if language == "zh" else panel.title_en, fontsize=10)
    axes.set_xlabel(panel.x_label, fontsize=9)
    axes.set_ylabel(panel.y_label, fontsize=9)
    axes.tick_params(labelsize=8)
    if len(panel.lines) > 1:
        axes.legend(fontsize=8, frameon=False)


def _draw_image(axes: Any, panel: ImagePanel, language: str) -> None:
    image = np.asarray(panel.image, dtype=np.float64)
    limits = {"vmin": 0.0, "vmax": 360.0} if panel.cyclic else {}
    axes.imshow(image, cmap="hsv" if panel.cyclic else "gray_r", **limits)
    if panel.regions is not None:
        shown = [one for one in panel.regions.regions if one.view in ("", panel.view)]
        for index, one in enumerate(shown):
            inside = one.mask(*image.shape).astype(float)
            axes.contour(inside, levels=[0.5], colors=f"C{index % 10}", linewidths=1.0)
    axes.set_title(panel.title_zh if language == "zh" else panel.title_en, fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])
