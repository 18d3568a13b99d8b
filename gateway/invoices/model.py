"""What an inspection says: readings in the words of message 3002, seals, faults and warnings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.errors import Fault
from gateway.message import Record


class Kind(StrEnum):
    """What a file is, by its content."""

    E_INVOICE = "e-invoice-xml"  # 数电票 XML, root EInvoice
    CLASSIC = "classic-xml"  # 增值税电子普通发票 XML, root eInvoice
    OFD = "ofd"
    PDF = "pdf"
    JPEG = "jpeg"
    PNG = "png"
    UNKNOWN = "unknown"


class Source(StrEnum):
    """Where in a file the data of an invoice stands; the first of these that has a field is believed."""

    E_INVOICE = "e-invoice-xml"
    CLASSIC = "classic-xml"
    TAGS = "tags"
    CUSTOM_DATA = "custom-data"
    QR_TEXT = "qr-text"
    QR_IMAGE = "qr-image"
    PAGE_TEXT = "page-text"


class SealState(StrEnum):
    """In the order of precedence: of several seals the worst one is the file's."""

    BROKEN = "broken"
    UNVERIFIABLE = "cannot-be-verified"
    ROOT_UNKNOWN = "intact-root-unknown"
    TRUSTED = "intact-trusted"
    NOT_SEALED = "not-sealed"


@dataclass(frozen=True, slots=True)
class Reading:
    """`record`: the fields of message 3002 that were found. `place`: entry, page or image. `words`: the
    total in Chinese capital numerals, where it stands. `others`: the same number as another element of
    the same source writes it (数电票: EIid beside InvoiceNumber)."""

    source: Source
    place: str
    record: Record
    words: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seal:
    """One seal. `places` says where it is broken; `why` (zh, en) why it is not simply intact. `covers`:
    the entries whose digests it signs. `version`: 1 (GM/T 0031) or 4 (GB/T 38540), 0 if unread."""

    state: SealState
    place: str = ""
    places: tuple[str, ...] = ()
    why: tuple[str, str] = ("", "")
    version: int = 0
    name: str = ""
    signer: str = ""
    issuer: str = ""
    signed_at: datetime | None = None
    covers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Content:
    """What the reader of one kind of file hands over. `sealable`: entries that a seal should cover."""

    readings: tuple[Reading, ...] = ()
    seals: tuple[Seal, ...] = ()
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    is_scan: bool = False
    sealable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Inspection:
    """`invoice`: the merged record; `origin`: field → place. `covered`: the entries whose bytes an intact seal
    signs. `needs_person`: a scan, data outside the seal though there is one, or no number or total that could be
    read."""

    kind: Kind
    size_bytes: int
    digest: str  # SM3, hex
    invoice: Record
    origin: Mapping[str, str]
    readings: tuple[Reading, ...]
    seal_state: SealState
    seals: tuple[Seal, ...]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    needs_person: bool
    is_scan: bool = False
    covered: frozenset[str] = frozenset()

    @property
    def sign_verify(self) -> str:
        """As message 3003 tells it (code table sign-verify): 1 verified, 2 not, 3 not checked to the end."""
        return {SealState.TRUSTED: "1", SealState.BROKEN: "2"}.get(self.seal_state, "3")


def worst(seals: tuple[Seal, ...]) -> SealState:
    """The state of a file with these seals."""
    states = {seal.state for seal in seals}
    return next((state for state in SealState if state in states), SealState.NOT_SEALED)
