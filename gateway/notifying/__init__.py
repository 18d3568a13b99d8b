"""Notifications of alarms: durable rows that go out as webhooks and e-mails until they arrive or are given up."""

from gateway.notifying.notifier import Notifier
from gateway.notifying.targets import Target, open_targets, send_to

__all__ = ["Notifier", "Target", "open_targets", "send_to"]
