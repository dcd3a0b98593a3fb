"""What a consumer counts."""

from prometheus_client import Counter, Gauge

MESSAGES = Counter("roundbook_consumed_messages", "Messages of brokers that were acknowledged")
ITEMS = Counter("roundbook_consumed_items", "Items of messages, by outcome", ["outcome"])
DEAD_LETTERS = Counter(
    "roundbook_dead_letters", "Messages that were set aside, as not all in them could be recorded"
)
INTERRUPTIONS = Counter(
    "roundbook_consumer_interruptions", "How often it had to wait, for what", ["what"]
)
LAG = Gauge("roundbook_consumer_lag_messages", "Messages that wait at the broker, or in hand")
