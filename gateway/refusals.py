"""A refusal in words, one content for every surface: lines of text, an 8001, the members of an error.

Problem documents and SOAP faults list `members` of each fault; the 8001's AddWord, DES's MSG, the reasons
of the voucher store and the command line print `line`. All are bounded, as a MessageError is.
"""

from __future__ import annotations

from typing import Any

from gateway.errors import Fault, MessageError
from gateway.message import Record

ADD_WORD_CHARS = 2000
ROOMS = (100_000, ADD_WORD_CHARS, 250)  # of a platform's own MSG, until one fits
TEXT_CHARS = 500
PATH_CHARS = 300

# CT-RESULT → how to mend what no rule of the standard speaks of.
MENDS: dict[str, tuple[str, str]] = {
    "10001": ("检查报文是否完整、格式是否正确", "see that the message is whole and well-formed"),
    "10002": (
        "缩小报文，文件请用附件接口",
        "make the message smaller; files go by the attachments interface",
    ),
    "10003": ("对照数据标准更正该处", "correct it by the data standard"),
    "10004": ("用声明的字符编码重新生成报文", "write the message in the encoding that it declares"),
    "10005": ("核对报文类型与调用地址", "compare the message type and the address that was called"),
    "20004": ("用最终正文重新计算摘要", "compute the digest again, over the final body"),
    "20005": ("校准时钟后重新封装发送", "set the clock, seal again and send"),
    "20006": ("更换令牌后重新封装发送", "seal again under a new token and send"),
    "20007": ("核对发送方、接收方与授权范围", "compare sender, receiver and what is granted to you"),
    "30001": ("对照证件或原始单据核对号码", "compare the number with its document"),
    "30002": ("从代码表中选用有效代码", "take a valid code from the table"),
    "30003": ("先发送所依据的报文，或更正其编号", "send what it refers to first, or correct the number"),
    "30004": ("核对并更正金额", "compare and correct the amounts"),
    "30005": ("更换未被使用的发票", "use an invoice that is not used yet"),
    "30006": ("查询业务当前状态后再操作", "ask for the state of the case first"),
    "30007": ("缩短内容，一个汉字计2字节", "shorten it; a Chinese character counts two bytes"),
    "30008": ("换用接收方字符集内的字", "write it with characters that the receiver has"),
    "30009": (
        "核对项目类别与付款区划是否在试点范围内",
        "see whether the kind of project and the division are covered",
    ),
    "30010": ("重新上传附件后再发送", "upload the attachment again, then send"),
    "30011": ("核对合同价款与已付、在途金额", "compare the contract's price with what is paid and open"),
    "30012": ("先备案收款账户（1004）", "register the account first (1004)"),
    "30013": ("核对指标余额", "compare the budget quota"),
    "90001": ("稍后用同一幂等键重发", "send again under the same key later"),
    "90002": ("稍后用同一幂等键重发", "send again under the same key later"),
    "90003": ("更正内容须换用新的幂等键或业务版本", "other content needs a new key or version"),
    "90004": ("以更新的业务版本重新发送", "send again with a newer version"),
    "99999": ("请携事件编号联系网关运维", "tell the gateway's operators the incident's number"),
}


def mend(fault: Fault) -> tuple[str, str]:
    """(Chinese, English): how to put it right; empty where there is nothing to say, as of a broken seal."""
    if fault.mend_zh:
        return fault.mend_zh, fault.mend_en
    return MENDS.get(fault.result, ("", ""))


def members(fault: Fault) -> dict[str, Any]:
    """What one fault says, by the names that a problem document uses; what is empty is left out."""
    found: dict[str, Any] = {
        "path": fault.place,
        "rule": fault.rule_id,
        "code": fault.code,
        "result": fault.result,
        "message": {"zh": fault.zh, "en": fault.en},
    }
    for name in ("expected", "found", "line", "column"):
        value = getattr(fault, name)
        if value:
            found[name] = value
    zh, en = mend(fault)
    if zh:
        found["mend"] = {"zh": zh, "en": en}
    return found


def line(fault: Fault) -> str:
    """One fault in one line, Chinese first: place, rule, what is wrong, expected, found, how to mend it."""
    return _line(fault, words(fault))


def _line(fault: Fault, said: str) -> str:
    place = _place(fault)
    head = f"{place} | [{fault.rule_id} {fault.result}]" if place else f"[{fault.rule_id} {fault.result}]"
    return f"{head} | {said}"


def words(fault: Fault) -> str:
    """What is wrong and how to mend it, without the place."""
    zh, en = mend(fault)
    sides = f"期望/expected: {fault.expected}" if fault.expected else ""
    found = f"实际/found: {fault.found}" if fault.found else ""
    parts = (f"{fault.zh} / {fault.en}", sides, found, f"更正/mend: {zh} / {en}" if zh else "")
    return " | ".join(part for part in parts if part).replace("\n", " ")


def text(error: MessageError, most_chars: int = ADD_WORD_CHARS) -> str:
    """A line a fault: as many whole lines as fit, then how many more there are."""
    return _fitted([line(fault) for fault in error.faults], most_chars)


def _fitted(lines: list[str], most_chars: int) -> str:
    whole = "\n".join(lines)
    if len(whole) <= most_chars:
        return whole
    kept: list[str] = []
    room = most_chars - len(_more(len(lines)))
    for one in lines:
        room -= len(one) + 1
        if room < 0:
            break
        kept.append(one)
    if not kept:
        return lines[0][:most_chars]
    return "\n".join([*kept, _more(len(lines) - len(kept))])


def ack(error: MessageError, number: str, message_id: str, most_chars: int = ADD_WORD_CHARS) -> Record:
    """The 8001 of a refusal: AddWord is its text, Errors has each fault."""
    said = [(fault, words(fault)) for fault in error.faults]
    return {
        "OriMsgNo": number,
        "OriMsgId": message_id,
        "Result": error.result,
        "AddWord": _fitted([_line(*one) for one in said], most_chars),
        "Duplicate": "0",
        "Errors": {"Error": [_error(*one) for one in said]},
    }


def _error(fault: Fault, said: str) -> Record:
    text = f"[{fault.rule_id}] {said}"
    return {"Code": fault.result, "Path": _place(fault)[:PATH_CHARS], "Text": text[:TEXT_CHARS]}


def _place(fault: Fault) -> str:
    if not fault.line:
        return fault.place
    column = f":{fault.column}" if fault.column else ""
    return f"{fault.place} @{fault.line}{column}".lstrip()


def _more(count: int) -> str:
    return f"… 另有 {count} 项 / {count} more"
