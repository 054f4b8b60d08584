"""The live board: what the workers' metrics and the output topics say, as one value, and how it is drawn.

`figures` and `ledger` hold what was read, `board` makes one frozen value of it and `drawing` shows that: these four
wait for nothing and ask nobody. `reading` asks workers and brokers, `watcher` does so again and again. May import
`models`, `schemas`, `console`, `files`, `kafka`, `text` and what is on top of `streams`; neither agents nor transport.
"""
