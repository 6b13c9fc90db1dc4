"""Reports of finished experiments: tables, figures for print, CSV files and one self-contained page.

Everything is made from `ladle.experiments.results.ExperimentResults`; nothing trains, and no database is opened.
"""

from __future__ import annotations

from ladle.reports.analysis import Analysis, Contest, analyze, contests
from ladle.reports.csv_files import learning_curves_csv, penalty_matrix_csv, summary_csv
from ladle.reports.figures.curve_figures import difference_figure, learning_curve_figure
from ladle.reports.figures.files import figure_bytes
from ladle.reports.figures.penalty_figures import loss_score_figure, penalty_figure
from ladle.reports.figures.style import StrategyStyle, paper_style, strategy_styles
from ladle.reports.page.html import write_report
from ladle.reports.page.sentences import summary_sentences
from ladle.reports.results.results_files import write_results
from ladle.reports.tables import SummaryColumn, SummaryRow, summary_columns, summary_rows, summary_table

__all__ = [
    "Analysis",
    "Contest",
    "StrategyStyle",
    "SummaryColumn",
    "SummaryRow",
    "analyze",
    "contests",
    "difference_figure",
    "figure_bytes",
    "learning_curve_figure",
    "learning_curves_csv",
    "loss_score_figure",
    "paper_style",
    "penalty_figure",
    "penalty_matrix_csv",
    "strategy_styles",
    "summary_columns",
    "summary_csv",
    "summary_rows",
    "summary_sentences",
    "summary_table",
    "write_report",
    "write_results",
]
