"""Files of invoices, read and judged: 数电票 and classic e-invoices as XML, OFD and PDF, and scans of paper."""

from __future__ import annotations

from gateway.invoices.inspection import inspect_invoice
from gateway.invoices.model import Inspection, Kind, Seal, SealState, Source

__all__ = ["Inspection", "Kind", "Seal", "SealState", "Source", "inspect_invoice"]
