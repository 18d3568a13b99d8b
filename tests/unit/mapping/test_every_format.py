"""One path syntax for every format: predicates, attributes, Chinese and hyphenated names, lookups, sums."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gateway.formats import formats
from gateway.mapping import Context
from tests.unit.mapping.conftest import ACK, ACK_FIELDS, Loading

ROWS = [("1", "01", "0.10", "甲;乙"), ("2", "02", "0.20", "丙"), ("3", "02", "0.30", "丁")]
NAMES = ("序号", "kind-code", "AMT", "NAMES")


def xml(root: str, wrapper: str, item: str) -> str:
    items = "".join(
        f"<{item}>{''.join(f'<{name}>{value}</{name}>' for name, value in zip(NAMES, row, strict=True))}</{item}>"
        for row in ROWS
    )
    return f"<{root}><WANTED>2</WANTED><{wrapper}>{items}</{wrapper}></{root}>"


def voucher() -> bytes:
    inner = base64.b64encode(xml("Voucher", "DetailList", "Detail").encode("gbk")).decode()
    return (
        "<?xml version='1.0' encoding='GBK'?><MOF><VoucherCount>1</VoucherCount>"
        "<VoucherBody AdmDivCode='310000' StYear='2024' VtCode='5201' VoucherNo='V1'>"
        f"<VoucherFlag>1</VoucherFlag><Voucher>{inner}</Voucher></VoucherBody></MOF>"
    ).encode("gbk")


def json() -> bytes:
    items = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
    text = str({"WANTED": 2, "List": {"Item": items}}).replace("'", '"')
    return text.encode()


def csv() -> bytes:
    return "\r\n".join([",".join(NAMES), *(",".join(row) for row in ROWS), ""]).encode("gb18030")


def fixed() -> bytes:
    lines = ["序号:3,kind-code:4,AMT:8>,NAMES:12"]
    data = lines[0].encode("gb18030")
    for number, kind, amount, names in ROWS:
        cells = (number.ljust(3), kind.ljust(4), amount.rjust(8), names)
        data += b"\n" + "".join(cells[:3]).encode() + cells[3].encode("gb18030").ljust(12)
    return data + b"\n"


FORMS: dict[str, tuple[bytes, str, str]] = {
    "json": (json(), "List/Item", "/WANTED"),
    "xml": (xml("Any", "List", "Item").encode(), "List/Item", "/WANTED"),
    "mof-voucher": (voucher(), "DetailList/Detail", "/WANTED"),
    "csv": (csv(), "Row", '"2"'),
    "fixed": (fixed(), "Row", '"2"'),
}
CASES = {
    "{rows}[2]/序号": "2",
    '{rows}[kind-code = "01"]/AMT | only': "0.10",
    '{rows}[kind-code = "02" and AMT > 0.25]/序号 | only': "3",
    "{rows}[序号 = {wanted}]/NAMES | only": "丙",
    "{rows}/AMT | sum | fixed(2)": "0.60",
    '{rows}[kind-code = "02"]/AMT | sum': "0.50",
    "count({rows})": "3",
    '{rows}/NAMES | first | split(";") | join("、")': "甲、乙",
    '{rows}/`kind-code` | join(",")': "01,02,02",
    'if(exists({rows}[kind-code = "09"]/AMT), "yes", "no")': "no",
    "{rows}[9]/AMT | default(\"none\")": "none",
}  # fmt: skip


def texts(form: str) -> Any:
    return formats.get(form).decode(FORMS[form][0]).record


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES)
def test_a_path_reads_the_same_in_every_format(form: str, case: str, load: Loading) -> None:
    _, rows, wanted = FORMS[form]
    expression = case.replace("{rows}", rows).replace("{wanted}", wanted).replace("'", "''")
    text = (
        ACK.replace("format: json", f"format: {form}") + f"fields:\n{ACK_FIELDS}  AddWord: '{expression}'\n"
    )
    mapping = load(text)
    record = texts(form)
    assert mapping.apply(record, Context())["AddWord"] == CASES[case]
    assert mapping.trace(record, Context()).record["AddWord"] == CASES[case]


def test_attributes_are_read_in_xml_and_in_json_alike(load: Loading) -> None:
    text = f"{ACK}fields:\n{ACK_FIELDS}  AddWord: 'A/@种-类 & A & (B[@id = \"2\"]/C | only)'\n"
    document = '<X><A 种-类="k">t</A><B id="1"><C>x</C></B><B id="2"><C>y</C></B></X>'.encode()
    same = {"A": {"@种-类": "k", "#text": "t"}, "B": [{"@id": "1", "C": "x"}, {"@id": "2", "C": "y"}]}
    assert formats.get("xml").decode(document).record == same
    assert load(text).apply(same, Context())["AddWord"] == "kty"
