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

ENGINE: Final = (
    "The oracle in one process, {events:,} events of {customers:,} customers in the order of time; CPU time of the "
    "process. Packing is shared out by whether an event or only a review touched the record."
)

RACE: Final = (
    "{events:,} events of {customers:,} customers. From the first event to everything committed: changelog and "
    "outputs acknowledged, then offsets. The plain loop consumes, calls the same engine, produces, flushes and "
    "commits, batch by batch, and nothing else. Each round has topics of its own; the systems take turns, and the "
    "order changes from round to round. Workers own their partitions before the backlog is posted, are held (SIGSTOP) "
    "meanwhile, and the clock starts when they go on; they are watched from outside (ten looks a second). Alert "
    "revisions are compared with those of the oracle by id, revision and content. CPU and memory are sums over "
    "workers."
)

PEERS: Final = (
    "A smaller load for all, {events:,} events of {customers:,} customers, rules alone; the plain loop and the worker "
    "in the same rounds are the reference. Each system runs in a process and a virtual environment of its own, with a "
    "program of a page (`tests/benchmarks/peers`) that hands records to the engine as its model gives them: Faust and "
    "Quix one at a time, Bytewax and Pathway what has arrived. From the first event to the end that the system itself "
    "declares; the worker as above. Keeps: what a crash would leave. Only the plain loop and the worker make offsets "
    "wait for everything that follows from them."
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
    "minutes. CPU time, one run each. A frame holds 5,000 events of a partition: with few customers it holds all "
    "events of each, which are then unpacked and packed once, with many customers hardly two of the same. Only "
    "sizes beyond that tell what size itself costs."
)

RESTART: Final = (
    "The changelog holds one record a customer, {bytes:,.0f} bytes on average without the key, copied from what the "
    "engine made of the load. Seconds since the process was started, memory resident. The one event that waits begins "
    "no review. Then, with the model on, one event of each feed in each partition says that a midnight has passed: "
    "everybody who is due is reviewed."
)
