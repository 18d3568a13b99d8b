"""The words that samples are told with. Names are made up; places, banks and trades are Shanghai's."""

from __future__ import annotations

from typing import NamedTuple

CITY = "310000"
COUNTRY, CURRENCY = "156", "156"

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶"
)
GIVEN = (
    "建国", "明", "芳", "伟", "敏", "强", "磊", "洋", "艳", "勇", "杰", "娟", "涛", "超", "秀兰", "霞", "平", "刚",
    "桂英", "文", "云", "志强", "海燕", "晓东", "佳怡", "子轩", "雨桐", "国庆", "丽华", "振宇",
)  # fmt: skip
COMPANY_WORDS = (
    "浦江",
    "申浦",
    "沪东",
    "华宇",
    "远通",
    "建安",
    "同济",
    "东昌",
    "隧道",
    "城投",
    "宝通",
    "恒畅",
)
COMPANY_TRADES = ("公路养护工程", "市政工程", "路桥建设", "交通设施工程", "道路养护", "公路建设")
AGENCY_TRADES = ("工程招标代理", "工程咨询", "项目管理咨询")


class Office(NamedTuple):
    """A public body of the city or of a district: first two characters of its credit code, then name without
    the city's and eight characters of its organisation code."""

    kind: str
    of_city: tuple[str, str]
    of_district: tuple[str, str]


TENDERER = Office("12", ("公路养护事务中心", "T0310101"), ("公路管理事务中心", "T0310102"))
AUTHORITY = Office("11", ("交通委员会", "T0310103"), ("建设和交通委员会", "T0310108"))
# Number, name.
ROADS = (
    ("G1503", "上海绕城高速公路"), ("G15", "沈海高速公路"), ("G60", "沪昆高速公路"), ("G50", "沪渝高速公路"),
    ("S20", "外环高速公路"), ("S32", "申嘉湖高速公路"), ("S26", "沪常高速公路"), ("G318", "沪青平公路"),
    ("G312", "曹安公路"), ("G204", "宝安公路"), ("S122", "沪南公路"), ("S227", "叶新公路"),
)  # fmt: skip
WORKS = (
    "路面铣刨加罩及附属设施维修", "桥梁伸缩缝更换及支座维修", "交通安全设施维修更新", "路基边坡及排水设施养护",
    "桥梁结构病害处治", "路面预防性养护",
)  # fmt: skip
STREETS = ("沪南公路", "共和新路", "漕宝路", "莘庄路", "牡丹江路", "川沙路", "外青松公路", "人民路")
# Class of the bank's number (three digits), name.
BANKS = (
    ("102", "中国工商银行"), ("104", "中国银行"), ("105", "中国建设银行"), ("301", "交通银行"),
    ("310", "上海浦东发展银行"), ("313", "上海银行"),
)  # fmt: skip
BRANCHES = ("西虹桥", "陆家嘴", "淮海中路", "五角场", "莘庄", "宝山", "川沙", "南桥", "青浦", "松江")
# PayKind, PlanNo, milestone, percent of the price.
PLAN = (
    ("01", "1", "合同签订", 10), ("02", "2", "完成工程量50%", 37), ("03", "3", "竣工验收", 50),
    ("04", "4", "缺陷责任期满", 3),
)  # fmt: skip
USES = {"01": "预付款", "02": "进度款", "03": "结算款", "04": "质保金返还"}
RETURN_REASONS = (
    "收款账户状态异常，退回核实",
    "发票信息与合同不一致，退回更正",
    "付款凭证要素不全，退回补正",
)
OPINIONS = ("工程量属实，同意支付", "计量支付资料齐全，同意", "已核对合同及发票，同意按申请金额支付")
# Is it procurement? → class of trade, node of the sub-platform that tells of it.
TRADES = {False: ("A03", "GGZY-JSGC"), True: ("D02", "GGZY-ZFCG")}
# The other nodes, and who operates the trading platforms.
GENERAL, GATEWAY = "GGZY-ZPT", "GW"
OPERATOR = "12310000425010220N"
