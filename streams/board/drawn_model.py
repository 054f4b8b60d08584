"""The model as a line of the board: whether its alerts can be believed, in words, or in the field's figures."""

from __future__ import annotations

from rich.text import Text

from streams.board.drawn_alerts import TITLE
from streams.board.rows import ModelRow
from streams.board.sizes import SPACIOUS_FROM_WIDTH, WIDE_FROM_WIDTH
from streams.console.alert_text import QUIET
from streams.text.wording import written_day


def model_line(model: ModelRow, width: int, *, explain: bool) -> Text:
    """One line: what does not fit is the least important."""
    line = Text.assemble(("model ", TITLE), f"of {written_day(model.learned_until)}")
    if explain:
        _add_figures(line, model, width)
    else:
        _add_words(line, model)
    if model.drift_at is None or model.drift_of is None:
        line.append("  no drift", QUIET)
    else:
        of = f" of the {model.drift_of.replace('_', ' ')}" if width >= WIDE_FROM_WIDTH else ""
        line.append(f"  drift{of} {written_day(model.drift_at)}")
    outcomes = f"  {model.labels:,} outcomes learned"
    if len(line) + len(outcomes) <= width:
        line.append(outcomes)
    line.truncate(width, overflow="ellipsis")
    return line


def _add_words(line: Text, model: ModelRow) -> None:
    if model.is_cold:
        line.append("  cold", "yellow").append(": it raises no alerts yet")
    elif model.log_loss is None or model.baseline_log_loss is None:
        line.append("  nothing is judged yet", QUIET)
    elif model.log_loss > model.baseline_log_loss:
        line.append("  lately no better than a simple rule", "bold yellow")
    else:
        line.append("  lately better than the best simple rule")


def _add_figures(line: Text, model: ModelRow, width: int) -> None:
    if width >= SPACIOUS_FROM_WIDTH:
        line.append(f" {model.version}")
    line.append("  cold" if model.is_cold else "  warm", "yellow" if model.is_cold else "")
    if model.log_loss is not None and model.baseline_log_loss is not None:
        is_beaten = model.log_loss > model.baseline_log_loss
        best = (model.best_baseline or "").replace("_", " ") if width >= WIDE_FROM_WIDTH else "baseline"
        line.append("  log loss ").append(f"{model.log_loss:.3f}", "bold yellow" if is_beaten else "bold")
        line.append(f", {best} {model.baseline_log_loss:.3f}")
    if width >= WIDE_FROM_WIDTH and model.auc is not None and model.ece is not None:
        line.append(f"  AUC {model.auc:.3f}  ECE {model.ece:.3f}")
