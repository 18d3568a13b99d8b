"""The data standard: catalogue, schemas, code tables, rules, JSON form, explanations."""

from gateway.standard.catalogue import Catalogue, MessageType
from gateway.standard.codes import CodeTables
from gateway.standard.standard import Standard

__all__ = ["Catalogue", "CodeTables", "MessageType", "Standard"]
