"""Everything that waits, sends, stores, tells the time or talks to people.

May import `models`, `schemas`, Faust and the Kafka clients; nothing imports it. The wall clock is read in `clock`, the
environment in `settings`. On top lie what several rooms need: settings, errors, the connection, preflight, reading of
files and topics, simulation; these import no room but those they serve.
"""
