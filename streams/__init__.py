"""Everything that waits, sends, stores, tells the time or talks to people; may import models, schemas, Faust and Kafka clients."""
