"""What takes in from places that the gateway looks into itself: voucher stores, folders and queues, each by its turn."""

from __future__ import annotations

from collections.abc import Callable

from gateway.connectors import AmqpLink, ConnectorWorld, VoucherStore, open_folders
from gateway.dropped import FolderPoller
from gateway.intake import Intake
from gateway.parts import Part
from gateway.polling import Poller
from gateway.queued import QueueConsumer
from gateway.receiving import Receiving
from gateway.settings import Platform, PollSettings
from gateway.turns import Turn


def make_pollers(
    intake: Intake, world_of: Callable[[Platform], ConnectorWorld], node: str
) -> dict[str, Part]:
    """By the name that the log gives each. `node`: this machine's among those that share a store."""

    def turn_at(name: str) -> Turn:
        return Turn(intake.store, name, node, intake.settings.data_dir)

    made: dict[str, Part] = {}
    for platform in intake.settings.platforms.values():
        if platform.poll is not None:
            name = f"poll {platform.id}"
            made[name] = _vouchers(intake, world_of(platform), platform.poll, turn_at(name))
        if platform.connector.takes_files:
            name = f"files of {platform.id}"
            drop = platform.connector.drop
            made[name] = FolderPoller(
                platform, drop, open_folders(world_of(platform)),
                Receiving(intake, platform, drop.max_age_s), turn_at(name),
            )  # fmt: skip
        if platform.connector.takes_from_queue:
            name = f"queue of {platform.id}"
            queue = platform.connector.queue
            made[name] = QueueConsumer(
                platform, queue, AmqpLink(world_of(platform)),
                Receiving(intake, platform, queue.max_age_s), turn_at(name),
            )  # fmt: skip
    return made


def _vouchers(intake: Intake, world: ConnectorWorld, poll: PollSettings, turn: Turn) -> Poller:
    return Poller(
        intake.settings, world.platform, poll, VoucherStore(world), world.suite, world.identity, world.trust,
        intake.translator, intake.store, intake.take, turn,
    )  # fmt: skip
