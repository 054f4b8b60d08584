"""What follows once the signals of a boundary are judged, for the customers of a range of rows.

1. What people said is answered, in the order of (at, id).
2. Held alerts are released, and those of who has opted out end.
3. What nobody has taken on in time is escalated.
4. Cases, corroboration.
5. Experiments: what came of those whose horizon is over is told, others begin with the alerts that do.
6. The cap: which customers are contacted at this boundary, and because of which alert.
7. Attention: every revision is sent, or held with the rule that holds it.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from models.alerts.answers import Due, answer
from models.alerts.attention.cap import choose
from models.alerts.attention.contacts import Contacts
from models.alerts.attention.feed_down import FeedDown
from models.alerts.attention.pipeline import attend, end_opted_out, held, release
from models.alerts.attention.quiet import Quiet
from models.alerts.attention.rules import Held, Occasion
from models.alerts.attention.trials import Draw, begin_trials, outcomes
from models.alerts.cases import join_cases
from models.alerts.corroboration import corroborate, witnesses_of
from models.alerts.episode import Revision, Revisions, SignalAlerts
from models.alerts.escalation import escalate
from models.alerts.payload import Writer
from models.catalogue.constants import HORIZON
from models.catalogue.rules import Rules
from models.customers.arrays import Rows
from models.customers.customers import Customers
from models.measures.as_of import AsOf
from schemas.outcome import OutcomeV1
from schemas.receipt import ReceiptV1

Holds = dict[str, list[tuple[Revision, Held]]]
"""By signal, what is held and why."""


class FollowUp:
    """The commands due at a boundary and who has opted out as of it; what comes of both, range by range."""

    def __init__(self, rules: Rules, customers: Customers, writer: Writer) -> None:
        self._rules, self._customers, self._writer = rules, customers, writer
        self._calendar = rules.basis.calendar
        self._witnesses = witnesses_of(rules)
        self._draw = Draw(rules.salt, writer.alerts_from_ms)
        self.quiet = Quiet(self._calendar, [one.id for one in rules.signals if one.announced_feed is not None])
        self.contacts = Contacts(rules, writer.alerts_from_ms)
        self.decided = 0
        """Revisions decided so far, sent or held."""
        self._due: list[tuple[int, Due]] = []
        self._occasion = Occasion(0, frozenset())
        self._feed_down: FeedDown | None = None

    def begin(self, due: Sequence[Due], boundary: int, size: int) -> list[ReceiptV1]:
        """Keep commands about customers of the first `size` rows until these are judged; the receipts of the others."""
        rows_of = self._customers.roster.rows_of
        self.contacts.begin(boundary)
        self._occasion = self.occasion(boundary, size)
        known = rows_of([one.command.customer_id for one in due]).tolist() if due else []
        self._due = [(row, one) for row, one in zip(known, due, strict=True) if 0 <= row < size]
        strangers = [one for row, one in zip(known, due, strict=True) if not 0 <= row < size]
        return [answer(one, None, (), {}, self._calendar) for one in strangers]

    def occasion(self, boundary: int, size: int) -> Occasion:
        """What rules of attention ask of a boundary besides the alerts, for customers of the first `size` rows."""
        opted_out = self._customers.roster.rows_of(self.quiet.opted_out(boundary)).tolist() if self.quiet else []
        left_alone = frozenset(row for row in opted_out if 0 <= row < size)
        return Occasion(self._calendar.start_of(boundary), left_alone, self.contacts)

    def run(
        self,
        alerts: Sequence[SignalAlerts],
        revisions: Mapping[str, Revisions],
        as_of: AsOf,
        within: tuple[int, int],
        anew: Rows,
    ) -> tuple[list[ReceiptV1 | OutcomeV1], Holds]:
        """Carry judged rows on: what is left of the revisions is sent. Receipts, outcomes, and what is held.

        `anew`: whose open alerts this catalogue may not know yet.
        """
        low, high = within
        changed = {one.row for told in revisions.values() for one in told}
        due = [(row, one) for row, one in self._due if low <= row < high]
        receipts = [answer(one, row, alerts, revisions, self._calendar) for row, one in due]
        unheard = self._feeds_down(as_of).unheard(alerts, revisions, within)
        if as_of.customers.outages.is_any:
            changed |= {row for rows in unheard.values() for row in rows} | held(alerts, within)
        self._occasion = self._occasion._replace(unheard=unheard)
        release(alerts, revisions, within, self._occasion)
        if self._occasion.opted_out:
            changed |= end_opted_out(alerts, revisions, within, self._occasion, as_of.boundary)
        escalate(
            alerts, revisions, self._occasion.now_ms, within, alerts_from_ms=self._writer.alerts_from_ms,
            escalates_to=self._rules.escalates_to, is_seen=as_of.is_seen,
        )  # fmt: skip
        join_cases(alerts, revisions)
        rows = np.union1d(np.array(sorted(changed), np.int32), anew[(anew >= low) & (anew < high)])
        corroborate(alerts, self._witnesses, revisions, rows[as_of.is_seen(rows)], unheard)
        told: list[ReceiptV1 | OutcomeV1] = [*receipts, *self._outcomes(alerts, as_of, within)]
        for of in alerts:
            begin_trials(of, revisions[of.signal.id], self._occasion, self._draw, self._customers.roster.id_of)
        choose(alerts, revisions, self._occasion, as_of.boundary)
        self.decided += sum(map(len, revisions.values()))
        holds: Holds = {}
        for of in alerts:
            if found := attend(of, revisions[of.signal.id], self._occasion):
                holds[of.signal.id] = found
        return told, holds

    def _feeds_down(self, as_of: AsOf) -> FeedDown:
        """The same for all ranges of a boundary: what is known without the lost days is counted once."""
        if self._feed_down is None or self._feed_down.as_of is not as_of:
            self._feed_down = FeedDown(as_of)
        return self._feed_down

    def _outcomes(self, alerts: Sequence[SignalAlerts], as_of: AsOf, within: tuple[int, int]) -> Iterator[OutcomeV1]:
        horizon = int(self._rules.basis.constants[HORIZON])
        for of in alerts:
            yield from outcomes(of, as_of, within, horizon, self._rules.hash)
