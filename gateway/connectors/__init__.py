"""Connectors: http, soap, voucher, file, sftp, amqp. Importing the package registers all of them, listed here."""

from gateway.connectors import amqp as amqp
from gateway.connectors import drop as drop
from gateway.connectors import http as http
from gateway.connectors import soap as soap
from gateway.connectors import voucher as voucher
from gateway.connectors.amqplink import AmqpLink
from gateway.connectors.contract import Answer, Connector, ConnectorWorld, FileRef, Parcel, connectors
from gateway.connectors.drop import open_folders
from gateway.connectors.exchange import open_session
from gateway.connectors.folders import Folders
from gateway.connectors.voucher_store import VoucherStore

__all__ = [
    "AmqpLink",
    "Answer",
    "Connector",
    "ConnectorWorld",
    "FileRef",
    "Folders",
    "Parcel",
    "VoucherStore",
    "connectors",
    "open_folders",
    "open_session",
]
