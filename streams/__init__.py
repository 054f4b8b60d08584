"""Everything that waits, sends, stores, tells the time or talks to people.

May import models, schemas, Faust and the Kafka clients; nothing imports it.
"""
