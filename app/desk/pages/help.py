"""Short help, a page for each kind of reader, in both languages."""

from __future__ import annotations

from flask import render_template

from app.desk.pages.common import pages
from app.kernel.errors import N_, NotFound
from app.web import shell
from app.web.door import public

TOPICS = {
    "resident": (N_("我是住户"), N_("看账单、交费、绑定房屋")),
    "manager": (N_("我是物业"), N_("从名册到出账")),
    "accountant": (N_("我是会计"), N_("收款、调整、结账")),
    "committee": (N_("我是业委会"), N_("看账簿和收费")),
    "street": (N_("我是街道、社区"), N_("补贴和辖区小区")),
    "operator": (N_("我是平台运维"), N_("账号、小区、备份")),
}


@pages.get("/help")
@public
def help_index() -> str:
    """Who are you?"""
    return render_template("desk/help.html", topics=TOPICS)


@pages.get("/help/<topic>")
@public
def help_topic(topic: str) -> str:
    """One reader's page."""
    if topic not in TOPICS:
        raise NotFound("help.unknown", N_("没有这一页帮助。"))
    language = "en" if shell.present().language == "en" else "zh"
    return render_template(
        "desk/help_page.html", topics=TOPICS, topic=topic, text=f"desk/help/{topic}.{language}.html"
    )
