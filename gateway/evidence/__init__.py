"""Evidence: a batch-signed Merkle log of what was accepted, receipts from it, and their offline check."""

from gateway.evidence.log import EvidenceLog, checkpoint_text, leaf_of
from gateway.evidence.receipts import make_receipt
from gateway.evidence.verify import ReceiptInvalid, Verified, verify_receipt

__all__ = [
    "EvidenceLog",
    "ReceiptInvalid",
    "Verified",
    "checkpoint_text",
    "leaf_of",
    "make_receipt",
    "verify_receipt",
]
