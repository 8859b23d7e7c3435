"""XML from strangers: no document type, so no entities and no outside files; bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from app.kernel.errors import N_
from app.payments.statements.cells import clean
from app.payments.statements.lines import StatementError

MOST_NODES = 300_000  # alive at once; an entry of a statement is let go once it is read
DEEPEST = 60


@dataclass
class Node:
    """An element: its name without namespace, its line in the file, text and children."""

    name: str
    row: int
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, path: str) -> list[Node]:
        """The elements at a path such as `Refs/EndToEndId`."""
        found = [self]
        for name in path.split("/"):
            found = [child for node in found for child in node.children if child.name == name]
        return found

    def first(self, *paths: str) -> Node | None:
        """The first element at any of some paths, in their order."""
        return next((node for path in paths for node in self.all(path)), None)

    def said(self, *paths: str) -> str:
        """The first text at any of some paths; empty when there is none."""
        texts = (clean(node.text) for path in paths for node in self.all(path))
        return next((text for text in texts if text), "")

    def below(self, name: str) -> Iterator[Node]:
        """All elements of that name anywhere inside."""
        waiting = list(reversed(self.children))
        while waiting:
            node = waiting.pop()
            if node.name == name:
                yield node
            waiting.extend(reversed(node.children))


class _Builder:
    def __init__(self, handlers: dict[str, Callable[[Node, Node], None]]) -> None:
        self.handlers = handlers
        self.root = Node("", 0)
        self.open: list[tuple[Node, int]] = [(self.root, 0)]
        self.alive = 0
        self.parser = expat.ParserCreate("utf-8", "}")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartDoctypeDeclHandler = self.refuse_doctype

    def start(self, name: str, attributes: dict[str, str]) -> None:
        node = Node(name.rpartition("}")[2], self.parser.CurrentLineNumber, attributes)
        self.alive += 1
        if self.alive > MOST_NODES or len(self.open) > DEEPEST:
            raise StatementError(
                "statement.xml_too_large", N_("XML 文件过大或嵌套过深，不像一份对账单。")
            )
        self.open[-1][0].children.append(node)
        self.open.append((node, self.alive))

    def end(self, _name: str) -> None:
        node, alive = self.open.pop()
        parent = self.open[-1][0]
        if node.name in self.handlers:
            self.handlers[node.name](parent, node)
            parent.children.pop()
            self.alive = alive - 1

    def characters(self, text: str) -> None:
        node = self.open[-1][0]
        if len(node.text) < 10_000:
            node.text += text

    def refuse_doctype(self, *_: object) -> None:
        raise StatementError(
            "statement.doctype",
            N_("XML 文件带有文档类型声明（DOCTYPE），对账单不需要它，已拒绝打开。"),
        )


def parse(text: str, handlers: dict[str, Callable[[Node, Node], None]]) -> Node:
    """The document's own element; elements named in `handlers` are handed over with their
    parent when they end, and let go. Raises StatementError with the line.
    """
    builder = _Builder(handlers)
    data = text.encode("utf-8", "replace")
    try:
        for at in range(0, len(data), 1 << 20):
            builder.parser.Parse(data[at : at + (1 << 20)], False)
        builder.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise StatementError(
            "statement.xml_broken",
            N_("XML 文件第 %(row)s 行有错，可能没有下载完整。请重新下载后再导入。"),
            row=error.lineno,
        ) from None
    return builder.root.children[0] if builder.root.children else builder.root
