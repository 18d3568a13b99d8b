"""What the rules of state say, as data: one row a code, its CT-RESULT and its words in both languages.

Every refusal of the process is one of `REFUSALS`, every fact or status that was stored and not applied one
of `PARKED`. The words may name what a rule gives them (`{name}`), the expected and the found; the docs list
this table. Codes are stable: platforms and people search by them.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import Fault


@dataclass(frozen=True, slots=True)
class Words:
    """A row: `result` is a code of CT-RESULT, the texts are templates for `str.format`."""

    result: str
    zh: str
    en: str


REFUSALS: dict[str, Words] = {
    # what is not there
    "unknown-parent": Words("30003", "{zh_kind} {found} 尚未同步或已撤销，请先同步", "{kind} {found} was not synchronised or is withdrawn; synchronise it first"),
    "unknown-contract": Words("30003", "合同 {found} 不存在，请先以 2003 同步", "contract {found} is not known; synchronise it by 2003 first"),
    "unknown-application": Words("30003", "支付申请 {found} 不存在", "payment application {found} is not known"),
    # who speaks
    "not-the-owner": Words("20007", "由其他平台登记，不能更改", "it was registered by another platform"),
    "not-the-treasury": Words("20007", "该申请由其他支付平台支付", "another treasury pays this application"),
    "other-division": Words("20007", "财政区划 {found} 由其他支付平台支付", "another treasury pays for division {found}"),
    "division-not-covered": Words("30009", "财政区划 {found} 没有支付平台", "no treasury pays for division {found}"),
    "oper-type-not-allowed": Words("30006", "此类报文不能撤销；撤回支付申请请用 3004", "a message of this type cannot be revoked; withdraw an application by 3004"),
    # parties
    "account-name": Words("30012", "账户名称应与主体名称一致（农民工工资专用账户可以主体名称开头）", "the account's name must be the subject's name (a wage account may begin with it)"),
    "subject-not-active": Words("30003", "市场主体已暂停或注销", "the market subject is suspended or cancelled"),
    "not-the-winner": Words("30003", "合同乙方不在中标（成交）结果之中", "the contract's party is not among the award's winners"),
    "payee-not-winner": Words("30012", "收款人不是合同乙方（联合体成员可以）", "the payee is not a party of the contract (a consortium's member may be)"),
    "account-not-registered": Words("30012", "收款账户未备案或已撤销，请先以 1004 备案", "the payee's account is not registered, or its registration ended; register it by 1004 first"),
    "account-not-valid": Words("30012", "收款账户不在备案有效期内", "the payee's account is not valid today"),
    "payee-not-applied-for": Words("30012", "推送的收款账户或金额不在支付申请之中", "the application does not name this account with this amount"),
    "seller-not-winner": Words("30005", "发票销售方不是合同乙方（联合体成员可以）", "the invoice's seller is not a party of the contract (a consortium's member may be)"),
    "buyer-not-tenderer": Words("30005", "发票购买方不是合同甲方", "the invoice's buyer is not the contract's tenderer"),
    "no-authority": Words("30003", "尚未配置该招标人在该财政区划的行业主管部门", "no authority is configured for this tenderer in this division"),
    "not-the-authority": Words("30003", "行业主管部门与配置不符", "the authority is not the one that is configured"),
    "recipient-not-a-party": Words("30003", "收件人不是该申请的当事人", "the recipient is no party of the case in this role"),
    "recipient-missing": Words("30003", "此类通知须同时送达{who_zh}", "a notice of this type must also go to {who_en}"),
    # the case
    "not-the-contract": Words("30003", "与合同登记的内容不一致", "differs from the contract"),
    "not-the-case": Words("30003", "与支付申请的内容不一致", "differs from the application"),
    "outside-coverage": Words("30009", "项目类别{kind}、财政区划{adm_div}尚未纳入；已纳入：{covered_zh}", "project kind {kind} paid by {adm_div} is not covered yet; covered: {covered_en}"),
    "contract-ended": Words("30006", "合同 {found} 已终止", "contract {found} has ended"),
    "contract-in-use": Words("30006", "合同已有在途或已付申请，不能撤销", "payments were applied for or made on the contract; it cannot be revoked"),
    "application-exists": Words("30006", "支付申请编号已使用；更正请用 OperType 2", "the number is taken; a correction has OperType 2"),
    "node-taken": Words("30006", "同一付款节点已有在途申请 {found}", "application {found} is open for the same payment node"),
    "state-not-allowed": Words("30006", "申请处于状态 {found}（允许：{expected}）", "the application is in state {found} (allowed in: {expected})"),
    "already-paid": Words("30006", "申请已有支付，不能撤回、作废或更正", "money was paid on the application: it can be neither withdrawn, voided nor corrected"),
    "withdrawal-pending": Words("30006", "已申请撤回，等待支付平台确认", "a withdrawal waits for the treasury's answer"),
    "round-passed": Words("30006", "审核轮次早于已接收的轮次", "the review's round is before the one that was received"),
    "not-approved": Words("30006", "招标人尚未审核通过", "the tenderee has not approved the application"),
    "voucher-used": Words("30006", "凭证编号已使用，每次推送须用新编号", "the voucher number was used; every push takes a new one"),
    "year-closed": Words("30006", "{year} 年度已关账，请用新的业务年度", "the fiscal year {year} is closed; use the new one"),
    # money
    "approved-above-applied": Words("30004", "审定金额超过申请金额", "the approved amount exceeds the amount applied for"),
    "approved-above-pushed": Words("30004", "核定金额超过推送金额", "the approved amount exceeds the amount that was pushed"),
    "not-the-approved-amount": Words("30004", "支付金额应等于审定金额减去已付金额", "the amount must be what was approved, less what is paid"),
    "contract-without-price": Words("30011", "合同未登记价款，请先以 2003 新版本或 2004 登记", "the contract has no price; give it one by a new version of 2003 or by 2004"),
    "above-balance": Words("30011", "已付、在途与本次申请之和超过合同价款", "paid, open and this application together exceed the contract's price"),
    "price-below-paid": Words("30011", "合同价款低于已付与在途申请之和", "the price is below what is paid and applied for"),
    # invoices
    "red-invoice": Words("30005", "红字发票不能作为付款依据", "a red-letter invoice cannot support a payment"),
    "invoice-cancelled": Words("30005", "发票已作废、红冲、虚假或查无", "the invoice was cancelled, reversed, false or not found"),
    "invoice-twice": Words("30005", "同一发票重复列出", "the invoice is listed twice"),
    "invoice-used-up": Words("30005", "发票在全部在途及已付申请中的使用金额超过可用金额", "over all live applications the invoice is used beyond its amount"),
    "invoice-amount-differs": Words("30005", "发票价税合计与在途或已付申请 {app} 所列不同", "application {app} lists the invoice with another amount"),
    "scan-used": Words("30005", "同一扫描件已用于申请 {app} 的另一张发票，请分别扫描", "the same scan shows another invoice in application {app}; scan each by itself"),
    "invoice-not-applied-for": Words("30005", "推送的发票不在支付申请之中", "the application does not list this invoice"),
}  # fmt: skip

# What was accepted, stored and not applied: the alarm's code, and the words of the trace.
PARKED: dict[str, Words] = {
    "unknown-application": Words("", "支付申请不存在", "the application is not known"),
    "other-treasury": Words("", "该申请由其他支付平台支付", "another treasury pays the application"),
    "state": Words("", "申请的状态不允许", "the application's state does not allow it"),
    "late": Words("", "晚到或乱序", "late or out of order"),
    "repeated": Words("", "同一笔已入账", "the same line was booked before"),
    "amount": Words("", "金额与申请不符", "the amount does not fit the application"),
    "not-asked": Words("", "没有待确认的撤回", "no withdrawal was waiting"),
}


def make_fault(code: str, path: str, *, expected: str = "", found: str = "", **words: str) -> Fault:
    """The fault of a rule; LookupError for a code that the table has not."""
    row = REFUSALS[code]
    said = {"expected": expected, "found": found, **words}
    return Fault(
        f"process.{code}",
        path,
        row.zh.format(**said),
        row.en.format(**said),
        row.result,
        expected=expected,
        found=found,
    )
