"""Words of cases: where they stand, what is late, sums for departments."""

from __future__ import annotations

CASE_TEXTS: dict[str, tuple[str, str]] = {
    "apps.overdue": ("仅看逾期", "Overdue only"),
    "apps.where": ("进度 / 合同", "Progress / contract"),
    "apps.price": ("合同价", "Contract price"),
    "apps.contract-open": ("合同在途", "Contract: under way"),
    "apps.contract-paid": ("合同已付", "Contract: paid"),
    "app.stands-at": ("当前停留在", "Stands at"),
    "app.due": ("付款期限", "Term of payment"),
    "app.late": ("逾期 {0} 天", "{0} days overdue"),
    "scope.authority": ("主管部门", "Authority"),
    "totals.title": ("支付进度和支付信息", "Progress and payments"),
    "totals.count": ("申请件数", "Applications"),
    "totals.applied": ("申请金额", "Applied"),
    "totals.progress": ("各环节件数", "Applications by step"),
    "totals.months": ("按申请月份", "By month of application"),
    "totals.division": ("按区划", "By division"),
    "totals.kind": ("按项目类型", "By project type"),
    "totals.none": ("未注明", "not given"),
    "totals.chart": ("{0}：图示，数字见下表", "{0}: a chart of the table below"),
}
