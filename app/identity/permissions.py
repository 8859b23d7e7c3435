"""The one table of role × action. Nothing else in the house decides who may do what.

An action is `noun.verb`. Actions in MONEY need a second factor in the present sign-in; the
roles that hold one must have it set up. Where a role reaches (a community, a company's
mandates, a region) is its membership's affair, not this table's.
"""

from __future__ import annotations

from app.kernel.errors import N_

ROLES = {
    "resident": N_("业主／住户"),
    "manager": N_("项目经理"),
    "accountant": N_("会计"),
    "cashier": N_("收费员"),
    "company_admin": N_("物业公司管理员"),
    "committee_chair": N_("业委会主任"),
    "committee_member": N_("业委会委员"),
    "supervisor": N_("监事"),
    "party_branch": N_("小区党支部"),
    "station_officer": N_("社区工作站"),
    "street_officer": N_("街道办事处"),
    "district_officer": N_("区住建部门"),
    "city_officer": N_("市住建部门"),
    "operator": N_("平台运维"),
}

# Where a membership of a role may be given.
COMMUNITY_ROLES = ("committee_chair", "committee_member", "supervisor", "party_branch")
COMPANY_ROLES = ("company_admin", "manager", "accountant", "cashier")
REGION_ROLES = ("station_officer", "street_officer", "district_officer", "city_officer")
REGION_ROLE_KINDS = {
    "station_officer": "station",
    "street_officer": "street",
    "district_officer": "district",
    "city_officer": "city",
}

# Who gives which role, within their own community, company or region. The street registers
# the owners' organs (物业管理条例 art. 16: 备案); a company may let them look in sooner.
_LOOKERS = ("committee_member", "supervisor", "party_branch")
APPOINTS: dict[str, tuple[str, ...]] = {
    "manager": _LOOKERS,
    "company_admin": (*COMPANY_ROLES, *_LOOKERS),
    "committee_chair": ("committee_member",),
    "street_officer": (*COMMUNITY_ROLES, "street_officer", "station_officer"),
    "district_officer": ("district_officer", "street_officer", "station_officer"),
    "city_officer": REGION_ROLES,
    "operator": ("operator", "company_admin", *REGION_ROLES),
}
# Who ends which role: whoever is watched does not dismiss the watcher, so a company ends
# only its own people's roles.
DISMISSES: dict[str, tuple[str, ...]] = {
    **APPOINTS,
    "manager": (),
    "company_admin": COMPANY_ROLES,
}

ACTIONS = {
    "own.read": N_("查看自己的房屋、账单和明细"),
    "own.pay": N_("线上缴纳自己的账单"),
    "community.read": N_("查看小区概况"),
    "community.edit": N_("修改小区资料"),
    "roster.read": N_("查看楼栋与房屋（姓名、电话已遮盖）"),
    "roster.people": N_("查看业主与住户的姓名、电话"),
    "roster.edit": N_("修改房屋、业主与产权"),
    "roster.import": N_("导入名册"),
    "mandate.read": N_("查看物业委托"),
    "mandate.edit": N_("登记、终止物业委托"),
    "tariff.read": N_("查看收费标准"),
    "tariff.edit": N_("制定收费标准、减免、抄表、公摊"),
    "subsidy.read": N_("查看补贴方案"),
    "subsidy.edit": N_("登记、终止补贴方案"),
    "run.read": N_("查看出账批次"),
    "run.prepare": N_("试算账单"),
    "run.confirm": N_("复核并出账"),
    "run.withdraw": N_("撤回未收款的批次"),
    "bill.read": N_("查看全部账单"),
    "bill.print": N_("打印账单"),
    "bill.correct": N_("开具调整单"),
    "counter.take": N_("柜台收款、交接班"),
    "shift.accept": N_("验收交班"),
    "receipt.read": N_("查看收据与发票申请"),
    "fapiao.edit": N_("申请、办理发票"),
    "payment.read": N_("查看线上收款"),
    "payment.refund": N_("申请退款"),
    "payment.approve": N_("批准别人申请的退款"),
    "payment.settings": N_("设置收款账户与缴费规则"),
    "bank.read": N_("查看银行流水与对账"),
    "bank.import": N_("导入对账单"),
    "bank.match": N_("认领银行来款、处理对账差异"),
    "arrears.read": N_("查看欠费"),
    "arrears.work": N_("催告、暂缓、承诺与分期"),
    "arrears.write_off": N_("核销欠费"),
    "ledger.read": N_("查看账簿"),
    "ledger.close": N_("结账"),
    "member.read": N_("查看人员与权限"),
    "member.edit": N_("授予、收回权限"),
    "binding.edit": N_("管理住户绑定与绑定码"),
    "audit.read": N_("查看操作记录"),
    "company.read": N_("查看公司概况与在管小区"),
    "company.edit": N_("管理公司人员"),
    "community.found": N_("建立小区"),
    "region.read": N_("查看辖区小区"),
    "region.edit": N_("管理辖区人员与设置"),
    "platform.run": N_("平台运维"),
}

MONEY = frozenset(
    {
        "run.confirm",
        "run.withdraw",
        "bill.correct",
        "ledger.close",
        "counter.take",
        "shift.accept",
        "payment.refund",
        "payment.approve",
        "payment.settings",
        "bank.match",
        "arrears.write_off",
    }
)

_LOOK = {
    "community.read",
    "roster.read",
    "mandate.read",
    "tariff.read",
    "subsidy.read",
    "run.read",
    "arrears.read",
}
_COMPANY = {*_LOOK, "roster.people", "bill.read", "receipt.read", "payment.read", "company.read"}
_COUNTER = {"counter.take", "fapiao.edit", "arrears.work"}
_BANK = {"bank.read", "bank.import", "bank.match"}

ALLOWED: dict[str, frozenset[str]] = {
    "resident": frozenset({"own.read", "own.pay"}),
    "manager": frozenset(
        {
            *_COMPANY,
            *_COUNTER,
            *_BANK,
            "shift.accept",
            "community.edit",
            "roster.edit",
            "roster.import",
            "tariff.edit",
            "subsidy.edit",
            "run.prepare",
            "run.confirm",
            "run.withdraw",
            "bill.print",
            "bill.correct",
            "arrears.write_off",
            "payment.refund",
            "payment.approve",
            "payment.settings",
            "ledger.read",
            "member.read",
            "member.edit",
            "binding.edit",
            "audit.read",
            "community.found",
        }
    ),
    "accountant": frozenset(
        {
            *_COMPANY,
            *_COUNTER,
            *_BANK,
            "shift.accept",
            "tariff.edit",
            "run.prepare",
            "run.confirm",
            "run.withdraw",
            "bill.print",
            "bill.correct",
            "arrears.write_off",
            "payment.refund",
            "payment.approve",
            "payment.settings",
            "ledger.read",
            "ledger.close",
        }
    ),
    "cashier": frozenset({*_COMPANY, *_COUNTER, "bill.print", "binding.edit"}),
    "company_admin": frozenset(
        {
            *_COMPANY,
            "company.edit",
            "community.found",
            "community.edit",
            "member.read",
            "member.edit",
            "audit.read",
            "ledger.read",
        }
    ),
    "committee_chair": frozenset(
        {*_LOOK, "ledger.read", "bank.read", "member.read", "member.edit", "mandate.edit"}
    ),
    "committee_member": frozenset({*_LOOK, "ledger.read", "bank.read"}),
    "supervisor": frozenset(
        {
            *_LOOK,
            "ledger.read",
            "bank.read",
            "bill.read",
            "receipt.read",
            "payment.read",
            "audit.read",
        }
    ),
    "party_branch": frozenset({"community.read", "tariff.read", "subsidy.read"}),
    "station_officer": frozenset({*_LOOK, "region.read"}),
    "street_officer": frozenset(
        {
            *_LOOK,
            "region.read",
            "region.edit",
            "mandate.edit",
            "subsidy.edit",
            "ledger.read",
            "community.found",
            "member.read",
            "member.edit",
        }
    ),
    "district_officer": frozenset({*_LOOK, "region.read", "region.edit"}),
    "city_officer": frozenset({*_LOOK, "region.read", "region.edit"}),
    "operator": frozenset({"platform.run", "community.found", "region.edit", "company.edit"}),
}


def may(role: str, action: str) -> bool:
    """Whether a role holds an action."""
    return action in ALLOWED.get(role, frozenset())


def roles_with(action: str) -> frozenset[str]:
    """The roles that hold an action."""
    return frozenset(role for role, actions in ALLOWED.items() if action in actions)


def moves_money(role: str) -> bool:
    """Whether a role needs a second factor."""
    return not MONEY.isdisjoint(ALLOWED.get(role, frozenset()))
