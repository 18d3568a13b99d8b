"""The integration gateway between the trading platforms and the treasury's payment platform."""

__version__ = "0.1.0"
