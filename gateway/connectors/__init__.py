"""Connectors: http, soap, voucher. Importing the package registers all of them, listed here."""

from gateway.connectors import http as http
from gateway.connectors import soap as soap
from gateway.connectors import voucher as voucher
from gateway.connectors.contract import Answer, Connector, ConnectorWorld, FileRef, Parcel, connectors
from gateway.connectors.voucher_store import VoucherStore

__all__ = ["Answer", "Connector", "ConnectorWorld", "FileRef", "Parcel", "VoucherStore", "connectors"]
