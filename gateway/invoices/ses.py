"""The structures of an electronic seal as DER: GB/T 38540 (version 4) and GM/T 0031 (version 1).

    version 4   SES_Signature  SEQUENCE { TBS, cert OCTET STRING, OID, BIT STRING [, [0] timestamp] }
                TBS            SEQUENCE { version, seal, GeneralizedTime, hash BIT STRING, property [, [0] ext] }
                seal           SEQUENCE { info, cert OCTET STRING, OID, BIT STRING }
    version 1   SES_Signature  SEQUENCE { TBS, BIT STRING }
                TBS            SEQUENCE { version, seal, time BIT STRING, hash BIT STRING, property,
                                          cert OCTET STRING, OID }
                seal           SEQUENCE { info, SEQUENCE { cert OCTET STRING, OID, BIT STRING } }
    info        SEQUENCE { SEQUENCE { "ES", version, vendor }, id, properties, picture [, [0] ext] }
    properties  SEQUENCE { type, name [, list type], list, created, from, until }

Nothing here verifies. The maker's signature is over `info` in version 4 (so in the real files), over
SEQUENCE { info, cert, OID } in version 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.security import der
from gateway.security.der import Reader

BIT_STRING = 0x03
UTF8 = 0x0C
PRINTABLE = 0x13
IA5 = 0x16
_VERSIONS = {1: (1, 2, 3), 4: (4,)}
_LIST_OF_CERTIFICATES = 1
_TIMES = {der.UTC_TIME: "%y%m%d%H%M%S", der.GENERALIZED_TIME: "%Y%m%d%H%M%S"}


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate, what it signs and how: one of the two signatures of a seal."""

    certificate: bytes
    algorithm: bytes  # DER object identifier
    signature: bytes
    signed_part: bytes


@dataclass(frozen=True, slots=True)
class SealSignature:
    """A SES_Signature as read. `listed`: the certificates, or (by `by_digest`) SM3 digests of the ones that
    may use the seal. `signed_at` is None where version 1 holds a timestamp token instead of a time.
    `known_version`: the version number fits the structure."""

    version: int
    known_version: bool
    name: str
    listed: tuple[bytes, ...]
    by_digest: bool
    valid_from: datetime
    valid_until: datetime
    signed_at: datetime | None
    data_hash: bytes
    maker: Signed
    signer: Signed


def read_signature(data: bytes) -> SealSignature:
    """ValueError for any other structure, or bytes behind it."""
    outer = Reader(data)
    body = outer.enter(der.SEQUENCE)
    outer.finish()
    tbs = body.element(der.SEQUENCE)
    return _read_4(tbs, body) if body.peek() == der.OCTETS else _read_1(tbs, body)


def _read_4(tbs: bytes, body: Reader) -> SealSignature:
    certificate, algorithm, signature = _tail(body)
    _skip_optional(body)
    inner = Reader(tbs).enter(der.SEQUENCE)
    version = inner.small_integer()
    seal = inner.enter(der.SEQUENCE)
    moment = _time(inner)
    data_hash = _bits(inner)
    inner.contents(IA5)
    _skip_optional(inner)
    info = seal.element(der.SEQUENCE)
    maker = Signed(*_tail(seal), info)
    seal.finish()
    signer = Signed(certificate, algorithm, signature, tbs)
    return _with_info(4, version, info, moment, data_hash, maker, signer)


def _read_1(tbs: bytes, body: Reader) -> SealSignature:
    signature = _bits(body)
    body.finish()
    inner = Reader(tbs).enter(der.SEQUENCE)
    version = inner.small_integer()
    seal = inner.enter(der.SEQUENCE)
    moment = _time_in_bits(_bits(inner))
    data_hash = _bits(inner)
    inner.contents(IA5)
    certificate, algorithm = inner.contents(der.OCTETS), inner.element(der.OID)
    inner.finish()
    info = seal.element(der.SEQUENCE)
    made = seal.enter(der.SEQUENCE)
    seal.finish()
    own, oid, value = _tail(made)
    made.finish()
    part = der.write(der.SEQUENCE, info, der.write(der.OCTETS, own), oid)
    maker = Signed(own, oid, value, part)
    return _with_info(
        1, version, info, moment, data_hash, maker, Signed(certificate, algorithm, signature, tbs)
    )


def _with_info(
    form: int,
    version: int,
    info: bytes,
    moment: datetime | None,
    data_hash: bytes,
    maker: Signed,
    signer: Signed,
) -> SealSignature:
    reader = Reader(info).enter(der.SEQUENCE)
    reader.contents(der.SEQUENCE)  # header
    reader.contents(IA5)  # the seal's number
    properties = reader.enter(der.SEQUENCE)
    reader.contents(der.SEQUENCE)  # picture
    _skip_optional(reader)
    properties.small_integer()
    name = properties.contents(UTF8).decode("utf-8")
    kind = properties.small_integer() if form == 4 else _LIST_OF_CERTIFICATES
    by_digest = kind != _LIST_OF_CERTIFICATES
    listed = _read_list(properties.enter(der.SEQUENCE), by_digest=by_digest)
    _time(properties)
    valid_from, valid_until = _time(properties), _time(properties)
    properties.finish()
    known = version in _VERSIONS[form]
    return SealSignature(
        form, known, name, listed, by_digest, valid_from, valid_until, moment, data_hash, maker, signer
    )


def _read_list(reader: Reader, *, by_digest: bool) -> tuple[bytes, ...]:
    found = []
    while reader.peek() != -1:
        if by_digest:
            pair = reader.enter(der.SEQUENCE)
            pair.contents(PRINTABLE)
            found.append(pair.contents(der.OCTETS))
            pair.finish()
        else:
            found.append(reader.contents(der.OCTETS))
    return tuple(found)


def _tail(reader: Reader) -> tuple[bytes, bytes, bytes]:
    """Certificate, algorithm, signature."""
    return reader.contents(der.OCTETS), reader.element(der.OID), _bits(reader)


def _skip_optional(reader: Reader) -> None:
    """One optional member at the end: extensions or a timestamp, tagged [0] or not (the real files: not)."""
    if (tag := reader.peek()) != -1:
        reader.contents(tag)
    reader.finish()


def _bits(reader: Reader) -> bytes:
    contents = reader.contents(BIT_STRING)
    if contents[:1] != b"\0":
        raise ValueError("a bit string holds no whole bytes")
    return contents[1:]


def _time(reader: Reader) -> datetime:
    tag = reader.peek()
    if tag not in _TIMES:
        raise ValueError("a time is missing")
    return _moment(tag, reader.contents(tag))


def _time_in_bits(bits: bytes) -> datetime | None:
    """Version 1 puts a time, as DER or as its bare text, or a timestamp token into a bit string."""
    try:
        if bits[:1] and bits[0] in _TIMES:
            return _time(Reader(bits))
        return _moment(der.GENERALIZED_TIME if bits[:2] in (b"19", b"20") else der.UTC_TIME, bits)
    except ValueError:
        return None


def _moment(tag: int, contents: bytes) -> datetime:
    """UTC with Z, or with an offset; ValueError for anything else."""
    text = contents.decode("ascii")
    plain, sign, offset = text.removesuffix("Z"), "", ""
    for candidate in "+-":
        if candidate in text:
            plain, sign, offset = text.partition(candidate)
    moment = datetime.strptime(plain, _TIMES[tag]).replace(tzinfo=UTC)
    if not sign:
        return moment
    if len(offset) != 4 or not offset.isdecimal():
        raise ValueError("not a time")
    shift = timedelta(hours=int(offset[:2]), minutes=int(offset[2:]))
    return moment - shift if sign == "+" else moment + shift
