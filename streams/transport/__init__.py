"""Records in, state back, outputs out: frames, restore, order of commit; may import Faust and the Kafka clients."""
