"""What the page of results says about each part, before its figures."""

from __future__ import annotations

from typing import Final

PAGE: Final = (
    "Made by `make bench`; the raw figures are in the JSON beside this page. Load: {events_each} events a customer "
    "over {days} days in {partitions} partitions, posted in the order of time before the clock starts; logins 60 %, "
    "e-mails 22 %, purchases 13 %, tickets 5 %. Figures are medians of rounds, in brackets the lowest and the "
    "highest. The broker (one node) runs on the same machine. Rules alone: the default catalogue with `model: off`. "
    "Model on: the default catalogue, so that snapshots are taken and lessons told; no learner publishes versions."
)

BUDGETS: Final = (
    "Each line of the design, and the figure of this page that answers it. Kept: which of the two bounds, by the "
    "median. Bounds are meant for a quiet machine of two cores and for the sizes named at the left."
)

ENGINE: Final = (
    "`replay`'s engine in one process, {events:,} events of {customers:,} customers in the order of time; CPU time of "
    "the process. Everybody is judged at each midnight. The column at the right: {few:,} customers in {of} partitions, "
    "where a midnight is made of calls of numpy rather than of customers."
)

RACE: Final = (
    "{events:,} events of {customers:,} customers. From the first event to everything committed: outputs acknowledged, "
    "then offsets. The plain loop consumes, calls the same engine, produces, flushes and commits, batch by batch, "
    "writes a snapshot of each partition every ten seconds as the worker does, and nothing else. Each round has topics "
    "of its own; the systems take turns, and the order changes from round to round. Workers own their partitions "
    "before the backlog is posted, are held (SIGSTOP) meanwhile, and the clock starts when they go on; they are "
    "watched from outside (ten looks a second). Alert revisions are compared with those of replay by id, revision and "
    "content. CPU and memory are sums over workers."
)

PEERS: Final = (
    "A smaller load for all, {events:,} events of {customers:,} customers, rules alone; the plain loop and the worker "
    "in the same rounds are the reference. Each system runs in a process and a virtual environment of its own, with a "
    "program of a page (`tests/benchmarks/peers`) that hands records to the engine as its model gives them: Faust and "
    "Quix one at a time, which leaves nothing for the engine to do together; Bytewax and Pathway what has arrived. "
    "From the first event to the end that the system itself declares; the worker as above. Keeps: what a crash would "
    "leave. Only the plain loop and the worker make offsets wait for everything that follows from them."
)

STEADY: Final = (
    "One worker with the default catalogue, {customers:,} customers with a history of {days} days. Producer and "
    "consumer are outside: time is stamped when an event is handed to the producer and when the first revision of its "
    "alert arrives from the topic. The events that are timed are tickets opened again, which are announced at once. "
    "The stream goes on while the worker is stopped."
)

GROWTH: Final = (
    "The engine alone with the default catalogue, one process, events and customers grown together: {events} events a "
    "customer in {days} days, the density of the other parts over a shorter span, so that the largest size takes "
    "minutes. CPU time, one run each. With few customers a midnight is made of calls of numpy: only sizes beyond that "
    "tell what size itself costs. The process also holds what is in no column: ids, open days, ids of events."
)

RESTART: Final = (
    "The changelog holds a snapshot of each partition, {bytes:,.0f} bytes a customer and {packed:,.0f} compressed: "
    "what the engine made of the load, each customer repeated under other names (which compresses better than real "
    "ones). A day of events behind it, {events:,}, is on the topics, nothing of what follows from it. Seconds since "
    "the process was started, memory resident."
)

MIDNIGHT: Final = (
    "A day of events, then the midnight behind it. Without Kafka, in a process of its own: closing the day, judging "
    "everybody 60,000 at a time, encoding what was decided; the longest step, count or copy is what an event would "
    "have waited. A worker: from the events of each feed in each partition that say that a day has passed until its "
    "metrics say that everybody was judged, with probes announced meanwhile; CPU of the whole process, so that "
    "publishing, probes and metrics are in it."
)

REPLAY: Final = (
    "`churn-signals replay FILE --alerts FILE --json` over {events:,} events of {customers:,} customers, simulated "
    "over {days} days; the process as a whole, from the file to the summary, rules alone."
)
