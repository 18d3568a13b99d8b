"""The operators' pages at /console/: message log, refusals, stuck deliveries, applications."""

from gateway.console.routes import add_console, describe_ops

__all__ = ["add_console", "describe_ops"]
