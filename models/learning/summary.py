"""A version of the model as people look at it: what it learned, how good it has been, what changed. Scores nothing."""

from __future__ import annotations

from dataclasses import dataclass

from models.labels import is_cold
from models.learning.drift import WATCHED, Alarm, window_of
from models.learning.quality import Bin, Score, quality_of
from models.scoring.scorer import BASELINES
from schemas.model import CommitteeV1
from schemas.model_version import MODEL_NAME, JudgedState, ModelVersionV1


@dataclass(frozen=True, slots=True)
class Summary:
    """`newest_label`: the day the newest label became known, -1 for none; `labels`: returned, churned."""

    version: str
    learned_until: str
    newest_label: int
    labels: tuple[int, int]
    is_cold: bool
    snapshots: int
    censored: float | None
    """Of these, the share whose outcome is not known: their horizon is not over, or its label came too late."""
    scores: dict[str, Score]
    """Of the model and its baselines, lately; empty while no snapshot that a version could score has an outcome."""
    judged: JudgedState | None
    """Of how many risks; None before any, and of versions of earlier programs."""
    calibration: tuple[Bin, ...]
    alarms: dict[str, tuple[Alarm, ...]]
    """Changes seen, by what is watched, the newest last."""

    @property
    def best_baseline(self) -> tuple[str, Score] | None:
        """The baseline with the least log loss."""
        found = [(name, self.scores[name]) for name in BASELINES if name in self.scores]
        return min(found, key=lambda one: one[1].log_loss, default=None)

    @property
    def last_alarm(self) -> tuple[str, Alarm] | None:
        """The newest change, and of what."""
        found = [(name, alarms[-1]) for name, alarms in self.alarms.items() if alarms]
        return max(found, key=lambda one: one[1].boundary, default=None)


def summary_of(model: ModelVersionV1) -> Summary:
    """What a version tells of itself. Raises ModelStateError when its numbers are not of this program."""
    committee = model.committee
    returned, churned = committee.labels
    quality = {name: quality_of(state) for name, state in model.quality.items()}
    judged = quality.get(MODEL_NAME)
    drift = model.drift if isinstance(model.drift, dict) else {}
    return Summary(
        version=model.version,
        learned_until=model.learned_until,
        newest_label=committee.boundary,
        labels=(returned, churned),
        is_cold=is_cold(returned, churned),
        snapshots=snapshots_of(committee),
        censored=censored(committee),
        judged=model.judged or None,
        scores={name: one.score() for name, one in quality.items()} if judged and judged.rows else {},
        calibration=tuple(judged.table()) if judged and judged.rows else (),
        alarms={name: tuple(window_of(drift[name]).alarms) if name in drift else () for name in WATCHED},
    )


def snapshots_of(committee: CommitteeV1) -> int:
    """Snapshots learned from: each has one example of the first bin, which goes into the scale."""
    return max(committee.scaler.counts, default=0)


def censored(committee: CommitteeV1) -> float | None:
    """The share of the snapshots whose outcome has not been learned; None while there are none."""
    snapshots = snapshots_of(committee)
    return 1 - sum(committee.labels) / snapshots if snapshots else None
