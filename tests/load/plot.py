"""The latencies as one picture. Needs matplotlib, which `make load` sets up (the extra `load`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

_WIDTH, _HEIGHT, _DPI = 10, 6, 120  # inches, dots an inch
_COLOURS = ("#0b6e99", "#c8553d", "#6b7a8f")


def draw(latencies: Mapping[str, Sequence[float]], finding: str, about: str, path: Path) -> None:
    """The share of each that was through within a time, on a logarithmic axis."""
    import matplotlib as mpl

    mpl.use("Agg")  # a file, wherever there is no screen
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter, PercentFormatter

    figure, axes = pyplot.subplots(figsize=(_WIDTH, _HEIGHT), dpi=_DPI)
    figure.subplots_adjust(left=0.09, right=0.94, top=0.86, bottom=0.25)
    for (what, seconds), colour in zip(latencies.items(), _COLOURS, strict=False):
        ordered = sorted(max(second, 1e-3) for second in seconds)
        shares = [(n + 1) / len(ordered) for n in range(len(ordered))]
        axes.step(
            ordered, shares, where="post", color=colour, linewidth=2, label=f"{what} (n = {len(ordered):,})"
        )
    for share, name in ((0.5, "p50"), (0.99, "p99")):
        axes.axhline(share, color="0.6", linewidth=0.8, linestyle=(0, (4, 4)))
        axes.annotate(name, (1.0, share), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
                      va="center", color="0.4", fontsize=9)  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("seconds (logarithmic)")
    axes.set_ylabel("share that was through by then")
    axes.set_ylim(0, 1.02)
    axes.grid(visible=True, which="major", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="lower left", bbox_to_anchor=(0.08, 0.01), frameon=False, fontsize=9)
    axes.set_title(about, loc="left", fontsize=9, color="0.35")
    figure.suptitle(finding, x=0.09, ha="left", fontsize=13, fontweight="bold")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    pyplot.close(figure)
