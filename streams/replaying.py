"""What commands that replay event files share: reading them, the engine that takes them, warnings, progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from rich.progress import track

from models.catalogue.rules import Rules, without_model
from models.engine.replay import Replay, Then
from models.engine.review import Message
from models.scoring.version import Version
from schemas.command import Command
from schemas.event import Event
from streams import clock
from streams.errors import SetupError
from streams.files.edge import Edge
from streams.files.history import History, Rejects
from streams.files.id_list import read_ids
from streams.files.mapping_file import load_mapping
from streams.files.packed_history import Replayed, read_packed
from streams.files.reading import EventFile
from streams.text.terminal import complain, terminal

DRAIN_EVERY: Final = 20_000
"""Events after which what was decided is taken: memory stays bounded."""


def read_events(
    files: Sequence[EventFile],
    mapping_name: str | None,
    *,
    rejects: Rejects | None = None,
    now_ms: int | None = None,
    exclude: Path | None = None,
    shift_by: int = 0,
) -> Replayed:
    """Read event files to be replayed, as a worker would take them at a time; say what became of them.

    Raises SetupError.
    """
    mapping, edge = load_mapping(mapping_name) if mapping_name else None, Edge(now_ms, clock.now_ms(), shift_by)
    history = read_packed(files, mapping, edge.check, rejects=rejects)
    for sentence in (*history.sentences(), *edge.sentences()):
        complain(sentence)
    return Replayed(history, shift_by, set() if exclude is None else read_ids(exclude))


def check_learns(rules: Rules) -> None:
    """Raise SetupError where a model is to be learned and the catalogue has none."""
    if rules.basis.learning is None:
        raise SetupError("--learn", "the catalogue has no model", "Add a `model:` section, or replay without.")


def warn(history: History, rules: Rules, *, is_clock_moved: bool, of: str = "") -> None:
    """Say what of the history will not count by a catalogue, and why nothing may come of it."""
    unheard = [] if is_clock_moved else history.without_events(rules.basis.feeds)
    for sentence in (*history.without_rate(rules.basis.rates), *unheard):
        complain(f"{of}{sentence}")


def engine_of(
    rules: Rules,
    partitions: int,
    alerts_from_ms: int,
    *,
    models: Path | None = None,
    learn: bool = False,
    together: int = 1,
    then: Sequence[Then] = (),
) -> Replay:
    """The engine by a catalogue; without a model to score with it takes no snapshots: nobody would learn from them.

    `together`: for how many partitions a single one stands. `then`: other catalogues in the course of it; nothing is
    learned meanwhile.
    """
    if learn and rules.basis.learning is not None:
        from models.engine.learning_replay import LearningReplay  # River takes a second to import

        return LearningReplay(rules, partitions, alerts_from_ms, together=together)
    if models is None:
        then = [one._replace(rules=without_model(one.rules)) for one in then]
        return Replay(without_model(rules), partitions, alerts_from_ms, together=together, then=then)
    from streams.readback.model_dump import UsedVersions, load  # River takes a second to import

    used: list[tuple[int, int | None, UsedVersions]] = [(-1, None, load(models, rules))]
    used += [(one.boundary, one.partition, load(models, one.rules)) for one in then if one.rules.basis.learning]

    def version(partition: int, boundary: int) -> Version | None:
        """As the catalogue in force reads it."""
        of = [versions for since, number, versions in used if since <= boundary and number in (None, partition)]
        return of[-1].of(partition, boundary)

    return Replay(rules, partitions, alerts_from_ms, version, then=then)


def go_through(
    engine: Replay, inputs: Iterable[Event | Command], until_ms: int | None, take: Callable[[list[Message]], None]
) -> None:
    """Let the engine take events and commands, and at the end the clock; `take` gets what was decided, now and then."""
    for number, one in enumerate(inputs, start=1):
        engine.take(one)
        if number % DRAIN_EVERY == 0:
            take(engine.drain())
    if until_ms is not None:
        engine.until(until_ms)
    take(engine.drain())


def tracked(events: Replayed) -> Iterator[Event]:
    """The events, with a bar for who watches a terminal."""
    console = terminal(stderr=True)
    if not console.is_terminal:
        yield from events
        return
    yield from track(events, total=len(events), description="replaying", console=console, transient=True)
