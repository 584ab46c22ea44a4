"""Events of the api: written in the transaction that made them true, published afterwards by whichever scheduler comes first."""

from typing import Final

from services.api.models import OutboxCounter, OutboxRow
from serving.outbox import Outbox

OUTBOX: Final = Outbox("api", OutboxRow, OutboxCounter)
record = OUTBOX.record
record_all = OUTBOX.record_all
relay = OUTBOX.relay
resend_lost = OUTBOX.resend_lost
