"""The field's words for what the tables hold as codes, with an example where one helps."""

from __future__ import annotations

from dataclasses import dataclass

from app.kernel.errors import N_


@dataclass(frozen=True)
class Basis:
    """How a charge is measured, as a person would say it. Texts are msgids."""

    name: str
    measure: str  # what one price is for
    example: str


BASES = {
    "area": Basis(N_("按面积"), N_("元/㎡·月"), N_("物业费：88 ㎡ × 1.20 元 ＝ 每月 105.60 元")),
    "unit": Basis(N_("按户"), N_("元/户·月"), N_("垃圾清运费：每户每月 10 元")),
    "space": Basis(N_("按数量"), N_("元/个·月"), N_("车位管理费：登记 2 个车位，每个每月 60 元")),
    "metered": Basis(N_("按表计量"), N_("元/计量单位"), N_("二次供水：用水 12 吨，每吨 0.35 元")),
    "shared": Basis(
        N_("公摊"), N_("按当月实际费用"), N_("楼道照明：本月电费 1,236.40 元，由全楼按面积分摊")
    ),
    "one_off": Basis(N_("一次性"), N_("按笔"), N_("门禁卡工本费：补办一张 20 元")),
}
VERSIONED = ("area", "unit", "space", "metered")  # have a price; the others have sums

PRICE_BASES = {
    "guided": N_("政府指导价"),
    "market": N_("市场调节价"),
    "contract": N_("合同约定"),
    "resolution": N_("业主共同决定"),
}
DOCUMENTED = ("guided", "contract", "resolution")  # a price that rests on a paper names it

UNIT_KINDS = {
    "residential": N_("住宅"),
    "commercial": N_("商业"),
    "office": N_("办公"),
    "parking": N_("车位"),
    "storage": N_("储藏室"),
    "other": N_("其他"),
}
REDUCTION_KINDS = {"vacancy": N_("空置"), "hardship": N_("困难"), "other": N_("其他")}
ALLOCATIONS = {"area": N_("按面积"), "unit": N_("按户")}
