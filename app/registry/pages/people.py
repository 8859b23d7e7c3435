"""People: the list, one person, changing and merging."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app, render_template, request, url_for
from flask_babel import gettext, ngettext
from sqlalchemy import Select, and_, func, select

from app.kernel.errors import N_
from app.registry import queries, service, words
from app.registry.models import Ownership, Person
from app.registry.pages import pages
from app.registry.pages.common import Ask, Words, answer_form, may
from app.registry.pages.owners import person_asks, person_url
from app.registry.queries.units import LAST
from app.registry.schemas import Merge, PersonIn
from app.web.door import needs
from app.web.lists import Column, Filter, Listing

AT = "/c/<int:community_id>/people"
ONE = f"{AT}/<int:person_id>"


def _search(rows: Select[Any], word: str) -> Select[Any]:
    tail = word[-4:] if word.isdigit() and len(word) in (4, 11) else "-"
    begins = and_(Person.name >= word, Person.name < word + LAST)
    return rows.where(begins | (Person.phone_tail == tail))


PEOPLE = Listing(
    "people",
    columns=(
        Column("name", N_("姓名"), Person.name),
        Column("kind", N_("类型"), Person.kind, words=words.PERSON_KIND_WORDS),
        Column("phone_tail", N_("电话后四位")),
        Column("unit_count", N_("名下房屋"), kind="number"),
    ),
    default_sort="name",
    tiebreak=Person.id,
    filters=(
        Filter(
            "kind",
            N_("类型"),
            lambda rows, value: rows.where(Person.kind == value),
            choices=words.PERSON_KIND_WORDS,
        ),
    ),
    search=_search,
    search_label=N_("姓名或电话后四位"),
)


def people_rows(community_id: int) -> Select[Any]:
    """People with how many units are theirs now."""
    owned = (
        select(func.count(Ownership.unit_id.distinct()))
        .where(
            Ownership.community_id == Person.community_id,
            Ownership.person_id == Person.id,
            Ownership.ends_on.is_(None),
        )
        .scalar_subquery()
    )
    return select(
        Person.id, Person.name, Person.kind, Person.phone_tail, owned.label("unit_count")
    ).where(Person.community_id == community_id)


@pages.get(AT)
@needs("roster.people")
def people(community_id: int) -> Any:
    """Everyone a community knows."""
    return PEOPLE.answer(people_rows(community_id), "registry/people.html")


@pages.get(ONE)
@needs("roster.people")
def person(community_id: int, person_id: int) -> Any:
    """One person: how to reach them and what is theirs."""
    found = queries.person(community_id, person_id)
    parts = queries.person_units(community_id, person_id)
    labels = {
        one.id: one.label for one in queries.units(community_id, {part.unit_id for part in parts})
    }
    return render_template(
        "registry/person.html",
        person=found,
        parts=parts,
        labels=labels,
        can_edit=may("roster.edit"),
        accounts=_accounts(community_id, person_id),
        words=words,
    )


def _accounts(community_id: int, person_id: int) -> str:
    """The page about this person's sign-in, where it exists and the reader may see it."""
    endpoint = "identity.accounts_of_person"
    if endpoint not in current_app.view_functions or not may("binding.edit"):
        return ""
    return url_for(endpoint, community_id=community_id, person_id=person_id)


@pages.route(f"{ONE}/edit", methods=["GET", "POST"])
@needs("roster.edit")
def edit_person(community_id: int, person_id: int) -> Any:
    """Change a person's own facts."""
    found = queries.person(community_id, person_id)

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        service.edit_person(community_id, person_id, **values)
        return person_url(community_id, person_id), gettext(
            "已保存 %(name)s。", name=values["name"]
        )

    return answer_form(
        PersonIn,
        person_asks(),
        Words(
            gettext("修改 %(name)s", name=found.name),
            gettext("保存"),
            person_url(community_id, person_id),
            steps=_steps(community_id, found),
        ),
        act,
        name=found.name,
        kind=found.kind,
        phone=found.phone,
        id_number=found.id_number,
    )


@pages.route(f"{ONE}/merge", methods=["GET", "POST"])
@needs("roster.edit")
def merge_person(community_id: int, person_id: int) -> Any:
    """Two entries are one person."""
    found = queries.person(community_id, person_id)
    word = request.args.get("q", found.name)[:40]
    options = [
        (str(one.id), " ".join(part for part in (one.name, one.masked_phone) if part)
         + ngettext("（%(num)s 户）", "（%(num)s 户）", one.unit_count))
        for one in queries.search_people(community_id, word, 50)
        if one.id != person_id
    ]  # fmt: skip

    def act(values: Mapping[str, Any]) -> tuple[str, str]:
        service.merge_people(community_id, person_id, values["drop_id"])
        return person_url(community_id, person_id), gettext("已合并到 %(name)s。", name=found.name)

    return answer_form(
        Merge,
        (Ask("drop_id", gettext("重复的那一条"), "select", options=options),),
        Words(
            gettext("把另一条记录并入 %(name)s", name=found.name),
            gettext("合并"),
            person_url(community_id, person_id),
            gettext("那一条名下的房屋归到这里，之后删去；不能撤回。"),
            _steps(community_id, found),
            look="danger",
        ),
        act,
    )


def _steps(community_id: int, found: queries.PersonRow) -> list[tuple[str, str]]:
    return [
        (gettext("业主和住户"), url_for("registry.people", community_id=community_id)),
        (found.name, person_url(community_id, found.id)),
    ]
