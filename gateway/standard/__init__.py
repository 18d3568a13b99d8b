"""The data standard at work: the catalogue of message types, code tables, and `Standard` itself."""

from __future__ import annotations

from gateway.standard.catalogue import Catalogue, MessageType
from gateway.standard.codes import Code, CodeTable, CodeTables
from gateway.standard.model import Element
from gateway.standard.standard import Standard

__all__ = ["Catalogue", "Code", "CodeTable", "CodeTables", "Element", "MessageType", "Standard"]
