"""Makes the files that the tests inspect: sealed OFD packages with keys of their own, PDF, and hostile ones."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.digests import sm3
from gateway.security import der, signing
from gateway.security.authority import Authority, issue, make_authority
from gateway.security.certificate import Certificate

AT = datetime(2026, 7, 1, 1, 30, tzinfo=UTC)
SM2_WITH_SM3 = der.write_oid("1.2.156.10197.1.501")
SM3 = "1.2.156.10197.1.401"
SIGNATURE = "Doc_0/Signs/Sign_0/Signature.xml"
VALUE = "Doc_0/Signs/Sign_0/SignedValue.dat"
E_NO = "26312000000000000017"
SELLER, BUYER = "91310000132260250X", "11310000T03101019L"
OFD_NS = 'xmlns:ofd="http://www.ofdspec.org/2016"'
FP_NS = 'xmlns:fp="http://www.edrm.org.cn/schema/e-invoice/2019"'


def e_invoice(**changes: str) -> bytes:
    """A 数电票 in XML; `changes` replace pieces of its text: `TotalTaxAm="1.00"` the content of that element."""
    values = {
        "EIid": E_NO, "SellerIdNum": SELLER, "BuyerIdNum": BUYER, "TotalAmWithoutTax": "100.00",
        "TotalTaxAm": "9.00", "TotalTax-includedAmount": "109.00", "words": "壹佰零玖圆整", "InvoiceNumber": E_NO,
        "IssueTime": "2026-06-30", "Amount": "100.00", "ComTaxAm": "9.00", "blue": "Y", "Quantity": "4",
        "UnPrice": "25", "red": "", "signature": "",
    } | changes  # fmt: skip
    return f"""<?xml version="1.0" encoding="utf-8"?>
<EInvoice><Header><EIid>{values["EIid"]}</EIid><InherentLabel><InIssuType><LabelCode>{values["blue"]}</LabelCode></InIssuType>
<GeneralOrSpecialVAT><LabelCode>01</LabelCode></GeneralOrSpecialVAT></InherentLabel></Header><EInvoiceData>
<SellerInformation><SellerIdNum>{values["SellerIdNum"]}</SellerIdNum><SellerName>上海路桥（集团）有限公司</SellerName></SellerInformation>
<BuyerInformation><BuyerIdNum>{values["BuyerIdNum"]}</BuyerIdNum><BuyerName>上海市道路运输管理局</BuyerName></BuyerInformation>
<BasicInformation><TotalAmWithoutTax>{values["TotalAmWithoutTax"]}</TotalAmWithoutTax><TotalTaxAm>{values["TotalTaxAm"]}</TotalTaxAm>
<TotalTax-includedAmount>{values["TotalTax-includedAmount"]}</TotalTax-includedAmount>
<TotalTax-includedAmountInChinese>{values["words"]}</TotalTax-includedAmountInChinese></BasicInformation>
<IssuItemInformation><ItemName>*建筑服务*道路养护</ItemName><Quantity>{values["Quantity"]}</Quantity><UnPrice>{values["UnPrice"]}</UnPrice>
<Amount>{values["Amount"]}</Amount><TaxRate>0.09</TaxRate><ComTaxAm>{values["ComTaxAm"]}</ComTaxAm></IssuItemInformation>
<SpecificInformation>{values["red"]}</SpecificInformation></EInvoiceData>
<TaxSupervisionInfo><InvoiceNumber>{values["InvoiceNumber"]}</InvoiceNumber><IssueTime>{values["IssueTime"]}</IssueTime></TaxSupervisionInfo>
{values["signature"]}</EInvoice>""".encode()


def classic(qr: str = "", total: str = "106.00") -> bytes:
    """A classic e-invoice, as it lies attached in an OFD."""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<eInvoice {FP_NS} Version="1.0"><fp:InvoiceCode>031002600111</fp:InvoiceCode><fp:InvoiceNo>12345678</fp:InvoiceNo>
<fp:IssueDate>2026年06月30日</fp:IssueDate><fp:InvoiceCheckCode>12345678901234567890</fp:InvoiceCheckCode>
<fp:Buyer><fp:BuyerName>个人</fp:BuyerName><fp:BuyerTaxID></fp:BuyerTaxID></fp:Buyer>
<fp:Seller><fp:SellerName>上海路桥(集团)有限公司</fp:SellerName><fp:SellerTaxID>{SELLER}</fp:SellerTaxID></fp:Seller>
<fp:TaxInclusiveTotalAmount>{total}</fp:TaxInclusiveTotalAmount><fp:TaxExclusiveTotalAmount>100.00</fp:TaxExclusiveTotalAmount>
<fp:TaxTotalAmount>6.00</fp:TaxTotalAmount><fp:GraphCode>{qr}</fp:GraphCode><fp:GoodsInfos><fp:GoodsInfo><fp:Item>餐费</fp:Item>
<fp:Amount>100.00</fp:Amount><fp:TaxScheme>6%</fp:TaxScheme><fp:TaxAmount>6.00</fp:TaxAmount></fp:GoodsInfo></fp:GoodsInfos></eInvoice>""".encode()


@dataclass
class Issuer:
    """Who seals: one authority for both, or one each. `at` is when the certificates begin."""

    at: datetime = AT - timedelta(days=30)
    days: int = 730
    authority: Authority = field(init=False)
    maker_authority: Authority = field(init=False)

    def __post_init__(self) -> None:
        self.authority = self.maker_authority = make_authority("sm2", self.at, name="税务根 CA", days=3650)
        self.key, self.certificate = self.make("全国统一发票监制章", self.authority)
        self.maker_key, self.maker_certificate = self.make("电子印章系统", self.maker_authority)

    def make(self, name: str, by: Authority) -> tuple[signing.PrivateKey, Certificate]:
        return issue(by, name, "sm2", "sign", self.at, days=self.days)

    @property
    def root(self) -> Certificate:
        return self.authority.certificate


def bits(data: bytes) -> bytes:
    return der.write(0x03, b"\0", data)


def _time(moment: datetime, tag: int = der.GENERALIZED_TIME) -> bytes:
    form = "%Y%m%d%H%M%SZ" if tag == der.GENERALIZED_TIME else "%y%m%d%H%M%SZ"
    return der.write(tag, moment.strftime(form).encode())


@dataclass
class SealForm:
    """What a seal says; the tests bend it."""

    version: int = 4
    number: int | None = None  # the version number that is written, if another one
    signed_at: datetime = AT
    valid_from: datetime = AT - timedelta(days=10)
    valid_until: datetime = AT + timedelta(days=300)
    by_digest: bool = False
    lists: bytes | None = None
    algorithm: bytes = SM2_WITH_SM3
    time_bits: bytes | None = None
    timestamp: bytes = b""


def signed_value(manifest: bytes, issuer: Issuer, form: SealForm) -> bytes:
    """SES_Signature over a Signature.xml, version 4 (GB/T 38540) or 1 (GM/T 0031)."""
    number = der.write_integer(form.number or form.version)
    info = _seal_info(issuer, form, number)
    if form.version == 4:
        made = der.write(der.OCTETS, issuer.maker_certificate.der) + SM2_WITH_SM3
        seal = der.write(der.SEQUENCE, info, made, bits(signing.sign(issuer.maker_key, info)))
        moment = _time(form.signed_at)
    else:
        made = der.write(der.OCTETS, issuer.maker_certificate.der) + SM2_WITH_SM3
        over = der.write(der.SEQUENCE, info, made)
        own = der.write(der.SEQUENCE, made, bits(signing.sign(issuer.maker_key, over)))
        seal = der.write(der.SEQUENCE, info, own)
        moment = bits(form.time_bits if form.time_bits is not None else _time(form.signed_at, der.UTC_TIME))
    parts = number + seal + moment + bits(sm3(manifest)) + der.write(0x16, f"/{SIGNATURE}".encode())
    certificate = der.write(der.OCTETS, issuer.certificate.der)
    if form.version == 4:
        tbs = der.write(der.SEQUENCE, parts)
        signature = bits(signing.sign(issuer.key, tbs))
        return der.write(der.SEQUENCE, tbs, certificate, form.algorithm, signature, form.timestamp)
    tbs = der.write(der.SEQUENCE, parts, certificate, form.algorithm)
    return der.write(der.SEQUENCE, tbs, bits(signing.sign(issuer.key, tbs)))


def _seal_info(issuer: Issuer, form: SealForm, number: bytes) -> bytes:
    header = der.write(der.SEQUENCE, der.write(0x16, b"ES"), number, der.write(0x16, b"TEST"))
    listed = form.lists if form.lists is not None else issuer.certificate.der
    tag = der.GENERALIZED_TIME if form.version == 4 else der.UTC_TIME
    if form.by_digest:
        entry = der.write(der.SEQUENCE, der.write(0x13, b"SM3"), der.write(der.OCTETS, sm3(listed)))
    else:
        entry = der.write(der.OCTETS, listed)
    kind = der.write_integer(2 if form.by_digest else 1) if form.version == 4 else b""
    properties = der.write(
        der.SEQUENCE, der.write_integer(3), der.write(0x0C, "测试监制章".encode()), kind,
        der.write(der.SEQUENCE, entry), _time(form.valid_from, tag), _time(form.valid_from, tag),
        _time(form.valid_until, tag),
    )  # fmt: skip
    picture = der.write(
        der.SEQUENCE, der.write(0x16, b"ofd"), der.write(der.OCTETS, b"picture"), der.write_integer(30),
        der.write_integer(20),
    )  # fmt: skip
    extension = der.write(
        der.SEQUENCE,
        der.write_oid("1.2.156.10197.6.7.2.2.1"),
        der.write(0x01, b"\0"),
        der.write(der.OCTETS, b"2.1"),
    )
    extensions = der.write(der.SEQUENCE, extension)
    return der.write(
        der.SEQUENCE, header, der.write(0x16, b"31000000000001"), properties, picture, extensions
    )


def entries(
    attached: bytes | None = None, custom: Mapping[str, str] | None = None, **more: bytes
) -> dict[str, bytes]:
    """The entries of an unsealed package with one page. `more`: further parts by their names."""
    data = "".join(
        f'<ofd:CustomData Name="{name}">{value}</ofd:CustomData>' for name, value in (custom or {}).items()
    )
    found = {
        "OFD.xml": f"""<?xml version="1.0" encoding="UTF-8"?><ofd:OFD {OFD_NS} DocType="OFD"><ofd:DocBody><ofd:DocInfo>
<ofd:CustomDatas>{data}</ofd:CustomDatas></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>""".encode(),
        "Doc_0/Document.xml": f"""<ofd:Document {OFD_NS}><ofd:CommonData><ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes></ofd:CommonData>
<ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages><ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments>
<ofd:CustomTags>Tags/CustomTags.xml</ofd:CustomTags></ofd:Document>""".encode(),
        "Doc_0/DocumentRes.xml": f'<ofd:Res {OFD_NS} BaseLoc="Res"></ofd:Res>'.encode(),
        "Doc_0/Pages/Page_0/Content.xml": f"<ofd:Page {OFD_NS}/>".encode(),
        "Doc_0/Attachs/Attachments.xml": f"<ofd:Attachments {OFD_NS}/>".encode(),
        "Doc_0/Tags/CustomTags.xml": f"<ofd:CustomTags {OFD_NS}/>".encode(),
    }
    if attached is not None:
        found["Doc_0/Attachs/Attachments.xml"] = listing(
            "Attachments", "Attachment", ["original_invoice.xml"]
        )
        found["Doc_0/Attachs/original_invoice.xml"] = attached
    return found | more


def listing(root: str, member: str, places: Sequence[str]) -> bytes:
    members = "".join(f"<ofd:{member}><ofd:FileLoc>{place}</ofd:FileLoc></ofd:{member}>" for place in places)
    return f"<ofd:{root} {OFD_NS}>{members}</ofd:{root}>".encode()


def manifest_of(parts: Mapping[str, bytes], names: Sequence[str] | None = None, method: str = SM3) -> bytes:
    """Signature.xml: a CheckValue for each entry."""
    names = list(parts) if names is None else names
    digests = {name: base64.b64encode(sm3(parts[name])).decode() for name in {*names}}
    references = "".join(
        f'<ofd:Reference FileRef="/{name}"><ofd:CheckValue>{digests[name]}</ofd:CheckValue></ofd:Reference>'
        for name in names
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ofd:Signature {OFD_NS}><ofd:SignedInfo><ofd:Provider ProviderName="test"/>'
        f"<ofd:SignatureMethod>1.2.156.10197.1.501</ofd:SignatureMethod>"
        f'<ofd:References CheckMethod="{method}">{references}</ofd:References></ofd:SignedInfo>'
        f"<ofd:SignedValue>/{VALUE}</ofd:SignedValue></ofd:Signature>"
    ).encode()


def seal(
    parts: dict[str, bytes],
    issuer: Issuer,
    form: SealForm | None = None,
    *,
    names: Sequence[str] | None = None,
    method: str = SM3,
    kind: str = "",
) -> dict[str, bytes]:
    """The package with a seal over `names` (all entries), OFD.xml naming it before it is signed."""
    root = parts["OFD.xml"].replace(
        b"</ofd:DocBody>", b"<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures></ofd:DocBody>"
    )
    sealed = parts | {"OFD.xml": root}
    manifest = manifest_of(sealed, names, method)
    kind_ = f' Type="{kind}"' if kind else ""
    return sealed | {
        "Doc_0/Signs/Signatures.xml": f"""<ofd:Signatures {OFD_NS}><ofd:Signature ID="1"{kind_} BaseLoc="Sign_0/Signature.xml"/></ofd:Signatures>""".encode(),
        SIGNATURE: manifest,
        VALUE: signed_value(manifest, issuer, form or SealForm()),
    }


def pack(parts: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as package:
        for name, data in parts.items():
            package.writestr(name, data)
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {name: package.read(name) for name in package.namelist()}


def pdf(objects: Mapping[int, str | bytes], root: int = 1, trailer: str = "") -> bytes:
    """A PDF of these objects (number → what stands between obj and endobj), with its cross-reference table."""
    data, places = b"%PDF-1.7\n", {}
    for number, content in objects.items():
        places[number] = len(data)
        body = content if isinstance(content, bytes) else content.encode()
        data += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start, size = len(data), max(objects) + 1
    data += f"xref\n0 {size}\n0000000000 65535 f \n".encode()
    for number in range(1, size):
        data += f"{places.get(number, 0):010} 00000 {'n' if number in places else 'f'} \n".encode()
    return (
        data + f"trailer\n<< /Size {size} /Root {root} 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    )


def stream(data: bytes, entries: str = "") -> bytes:
    return f"<< /Length {len(data)} {entries} >>\nstream\n".encode() + data + b"\nendstream"


def text_pdf(text: str, attached: Mapping[str, bytes] | None = None, extra: str = "") -> bytes:
    """One page with this text in a font whose codes are the letters' own (UCS-2), and files attached."""
    lines = "".join(f"<{line.encode('utf-16-be').hex()}> Tj 0 -14 Td " for line in text.split("\n"))
    content = f"BT /F1 12 Tf 50 800 Td {lines} ET".encode()
    to_unicode = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange "
        b"1 beginbfrange <0000> <FFFF> <0000> endbfrange endcmap end end"
    )
    objects: dict[int, str | bytes] = {
        2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        4: stream(content),
        5: "<< /Type /Font /Subtype /Type0 /BaseFont /SimSun /Encoding /Identity-H /DescendantFonts [6 0 R] /ToUnicode 7 0 R >>",
        6: "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /SimSun /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 1000 >>",
        7: stream(to_unicode),
    }
    names = []
    for name, data in (attached or {}).items():
        number = max(objects) + 1
        objects[number] = stream(data, "/Type /EmbeddedFile")
        objects[number + 1] = f"<< /Type /Filespec /F ({name}) /UF ({name}) /EF << /F {number} 0 R >> >>"
        names.append(f"({name}) {number + 1} 0 R")
    tree = f"/Names << /EmbeddedFiles << /Names [{' '.join(names)}] >> >>" if names else ""
    objects[1] = f"<< /Type /Catalog /Pages 2 0 R {tree} {extra} >>"
    return pdf(objects)
