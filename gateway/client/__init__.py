"""The SDK that a platform uses: seal, send, receive."""

from gateway.client.platform import PlatformClient
from gateway.client.replies import Opened, Refused, Reply

__all__ = ["Opened", "PlatformClient", "Refused", "Reply"]
