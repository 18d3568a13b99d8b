"""The operators' pages at /console/: message log, refusals, stuck deliveries, applications."""

from gateway.console.routes import add_console

__all__ = ["add_console"]
