"""The field's terms in people's words (msgids), for pages, forms and sheets."""

from __future__ import annotations

from app.kernel.errors import N_

UNIT_KIND_WORDS = {
    "residential": N_("住宅"),
    "commercial": N_("商业"),
    "office": N_("办公"),
    "parking": N_("车位"),
    "storage": N_("储藏室"),
    "other": N_("其他"),
}
UNIT_STATUS_WORDS = {
    "occupied": N_("已入住"),
    "vacant": N_("未入住"),
    "unsold": N_("未售"),
    "demolished": N_("已拆除或注销"),
}
PERSON_KIND_WORDS = {
    "natural": N_("个人"),
    "company": N_("企业单位"),
    "developer": N_("开发商"),
    "government": N_("政府"),
}
OCCUPANT_KIND_WORDS = {"tenant": N_("租户"), "family": N_("家庭成员")}
REGION_KIND_WORDS = {
    "city": N_("市"),
    "district": N_("区"),
    "street": N_("街道"),
    "station": N_("社区工作站"),
}
ORGANIZATION_KIND_WORDS = {
    "property_company": N_("物业公司"),
    "developer": N_("开发商"),
    "government": N_("政府部门"),
    "platform": N_("平台"),
}
RENOVATION_CLASS_WORDS = {
    "basic": N_("基础类"),
    "improved": N_("完善类"),
    "extended": N_("提升类"),
}
FEE_MODE_WORDS = {"fixed": N_("包干制"), "commission": N_("酬金制")}
TRANSFER_POLICY_WORDS = {
    "by_day": N_("按天分摊"),
    "whole_month_to_seller": N_("当月归原业主"),
    "whole_month_to_buyer": N_("当月归新业主"),
}
IMPORT_STATUS_WORDS = {
    "uploaded": N_("待对应列"),
    "reading": N_("读取中"),
    "ready": N_("待导入"),
    "refused": N_("未受理"),
    "applying": N_("导入中"),
    "applied": N_("已导入"),
    "undone": N_("已撤销导入"),
}
IMPORT_ACTION_WORDS = {
    "new": N_("新增"),
    "changed": N_("变更"),
    "unchanged": N_("未变"),
    "error": N_("有错"),
}
