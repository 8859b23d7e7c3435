"""Words for the codes of dunning."""

from __future__ import annotations

from app.billing.dunning.rules import LEFT_OUT
from app.kernel.errors import N_

STAGE_WORDS = {
    "none": N_("尚未提醒"),
    "reminder": N_("友好提醒"),
    "demand": N_("书面催告"),
    "last_notice": N_("最后通知"),
}
NEXT_WORDS = {**STAGE_WORDS, "suit": N_("准备调解、仲裁或诉讼")}
KIND_WORDS = {key: STAGE_WORDS[key] for key in ("reminder", "demand", "last_notice")}
STATE_WORDS = {"ready": N_("可以进行"), **LEFT_OUT}
STATE_TONES = {
    "ready": "warn",
    "paused": "calm",
    "disputed": "bad",
    "promise": "good",
    "plan": "good",
    "undelivered": "warn",
}
CHANNEL_WORDS = {
    "paper": N_("纸质函件"),
    "message": N_("短信或微信"),
    "phone": N_("电话"),
    "visit": N_("上门"),
}
ACT_WORDS = {
    "phone": N_("电话"),
    "visit": N_("上门"),
    "message": N_("短信或微信"),
    "acknowledgement": N_("对方书面承认欠费"),
    "note": N_("备注"),
}
DELIVERY_WORDS = {
    "signed": N_("本人或家人签收"),
    "posted": N_("挂号或快递签收"),
    "left": N_("留置并拍照，有见证人"),
    "message": N_("发到本人确认的微信或短信"),
}
LETTER_WORDS = {
    "made": N_("待登记送达"),
    "delivered": N_("已送达"),
    "returned": N_("退回"),
    "cancelled": N_("已撤销"),
}
PAUSE_WORDS = {
    "hardship": N_("经济困难"),
    "illness": N_("生病或住院"),
    "other": N_("其他"),
}
OBJECTION_WORDS = {"objection": N_("对金额有异议"), "instalments": N_("申请分期")}
PROMISE_WORDS = {
    "standing": N_("未到期"),
    "kept": N_("已履行"),
    "late": N_("迟履行"),
    "broken": N_("未履行"),
}
PLAN_WORDS = {
    "draft": N_("待签署"),
    "kept": N_("按期履行"),
    "late": N_("有一期迟了"),
    "broken": N_("已中断"),
    "done": N_("已缴清"),
    "ended": N_("已终止"),
}
PART_WORDS = {
    "open": N_("未到期"),
    "paid": N_("已付"),
    "paid_late": N_("迟付"),
    "late": N_("迟了"),
    "broken": N_("未付"),
}
TONES = {
    "kept": "good",
    "done": "good",
    "paid": "good",
    "paid_late": "warn",
    "late": "warn",
    "broken": "bad",
    "draft": "warn",
    "standing": "calm",
}
RUN_WORDS = {
    "made": N_("已制作，可撤销"),
    "fetched": N_("已下载，待送达"),
    "delivered": N_("都已登记"),
    "undone": N_("已撤销"),
}
WARNING_WORDS = {
    "180": N_("180 天内"),
    "90": N_("90 天内"),
    "30": N_("30 天内"),
    "0": N_("已过"),
}
WARNING_TONES = {"180": "calm", "90": "warn", "30": "bad", "0": "bad"}
WRITE_OFF_WORDS = {
    "requested": N_("待批准"),
    "approved": N_("已核销"),
    "rejected": N_("未批准"),
}
HAPPENING_WORDS = {
    **ACT_WORDS,
    "letter_made": N_("制作函件"),
    "letter_delivered": N_("函件送达"),
    "letter_returned": N_("函件退回"),
    "letter_cancelled": N_("函件撤销"),
    "paused": N_("暂缓催告"),
    "resumed": N_("恢复催告"),
    "objection": N_("提出异议"),
    "instalments": N_("申请分期"),
    "answer": N_("答复"),
    "promise": N_("承诺付款"),
    "plan": N_("签署分期协议"),
}
