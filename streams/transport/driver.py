"""What Faust takes for its Kafka driver: our consumer, and a producer that leaves the producing to Outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faust.transport.drivers import aiokafka as driver
from mode import Service

from streams.transport.consumer import FrameConsumer

if TYPE_CHECKING:
    from streams.transport.frame_app import FrameApp


class FrameProducer(driver.Producer):
    """What Faust believes to be its producer. Nothing is sent through Faust, so aiokafka's is never started."""

    app: FrameApp

    async def on_start(self) -> None:
        """Start no connection: Outputs has its own."""

    async def on_stop(self) -> None:
        """Nothing to close: what is in flight was flushed by the last commit, or will be done again."""

    async def flush(self) -> None:
        """Nothing: a commit flushes by itself, and where there is none nothing depends on it."""

    @Service.task
    async def _listen(self) -> None:
        while not self.should_stop:
            await self.sleep(0.1)
            self.app.outputs.poll()
            if self.app.outputs.failure is not None:
                await self.app.fail(self.app.outputs.failure)
                return


class FrameTransport(driver.Transport):
    """Ties the two together for Faust."""

    Consumer = FrameConsumer
    Producer = FrameProducer
