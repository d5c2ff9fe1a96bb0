"""A reportlab canvas that writes a tagged PDF: headings, paragraphs, tables and figures with their words, in order.

The open edition of reportlab writes language, title and bookmarks, and leaves structure to its commercial sister; it
does let marked content and a structure tree be added (ISO 32000-1, 14.7 and 14.8), which is done here. What is not
reached is PDF/UA: there is no XMP metadata that claims it, the header of a table is not bound to its cells by scope,
and a table's header that is repeated on the next page is tagged again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFPage, PDFString
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable
from reportlab.platypus import Image as Sheet
from reportlab.platypus import Paragraph as Flowing
from reportlab.platypus import Table as Grid

PAGE_ENTRIES = [*PDFPage.__NoDefault__, "StructParents", "Tabs"]


@dataclass(eq=False)
class Element:
    """A node of the structure tree.

    Attributes
    ----------
    role
        A standard structure type: "H1", "P", "Table", "TR", "TH", "TD", "Figure"…
    kids
        Nodes below it, and marked content as (page, number of the mark on that page).
    """

    role: str
    parent: Element | None = None
    alt: str = ""
    kids: list[Element | tuple[int, int]] = field(default_factory=list)


class TaggedCanvas(Canvas):  # type: ignore[misc]  # reportlab has no types
    """A canvas that keeps the structure of what is drawn on it; parameters as those of reportlab's `Canvas`."""

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)
        self.tree = Element("Document")
        self.within = self.tree
        self.marks: dict[int, list[Element]] = {}

    @contextmanager
    def element(self, role: str, alt: str = "") -> Iterator[None]:
        """Put everything drawn inside under one node."""
        self.begin(role, alt)
        yield
        self.end()

    def begin(self, role: str, alt: str = "") -> None:
        """Open a node below the one that is open."""
        node = Element(role, self.within, alt)
        self.within.kids.append(node)
        self.within = node

    def end(self) -> None:
        """Close the node that is open."""
        assert self.within.parent is not None
        self.within = self.within.parent

    @contextmanager
    def content(self, role: str, alt: str = "") -> Iterator[None]:
        """Mark everything drawn inside as the content of one node."""
        page = int(self.getPageNumber()) - 1
        with self.element(role, alt):
            marks = self.marks.setdefault(page, [])
            self.within.kids.append((page, len(marks)))
            self._code.append(f"/{role} <</MCID {len(marks)}>> BDC")
            marks.append(self.within)
            yield
            self._code.append("EMC")

    @contextmanager
    def artifact(self) -> Iterator[None]:
        """Mark everything drawn inside as no part of the text: lines, grounds, the foot of a page."""
        self._code.append("/Artifact BMC")
        yield
        self._code.append("EMC")

    def save(self) -> None:
        """Write the structure tree, then the file."""
        pages = self._doc.Pages.pages
        references = [self._doc.Reference(page) for page in pages]
        nodes: dict[Element, PDFDictionary] = {}
        root = _indirect({"Type": PDFName("StructTreeRoot")})
        top = self._node(self.tree, root, references, nodes)
        numbers: list[object] = []
        for number, page in enumerate(pages):
            page.__NoDefault__ = PAGE_ENTRIES
            page.StructParents, page.Tabs = number, PDFName("S")
            owners = [self._doc.Reference(nodes[node]) for node in self.marks.get(number, [])]
            numbers += [number, PDFArray(owners)]
        root.dict["K"] = top
        root.dict["ParentTree"] = self._doc.Reference(_indirect({"Nums": PDFArray(numbers)}))
        root.dict["ParentTreeNextKey"] = len(pages)
        self._doc.Catalog.StructTreeRoot = root
        self._doc.Catalog.MarkInfo = _indirect({"Marked": "true"})
        super().save()

    def _node(
        self, node: Element, parent: PDFDictionary, pages: list[object], nodes: dict[Element, PDFDictionary]
    ) -> object:
        """Return a reference to a node with everything below it."""
        entry = _indirect({"Type": PDFName("StructElem"), "S": PDFName(node.role)})
        nodes[node] = entry
        entry.dict["P"] = self._doc.Reference(parent)
        if node.alt:
            entry.dict["Alt"] = PDFString(node.alt)
        kids: list[object] = []
        for kid in node.kids:
            if isinstance(kid, Element):
                kids.append(self._node(kid, entry, pages, nodes))
            else:
                kids.append(PDFDictionary({"Type": PDFName("MCR"), "Pg": pages[kid[0]], "MCID": kid[1]}))
        entry.dict["K"] = PDFArray(kids)
        return self._doc.Reference(entry)


def _indirect(entries: dict[str, object]) -> PDFDictionary:
    found = PDFDictionary(entries)
    found.__RefOnly__ = 1
    return found


ROLES = {"title": "H1", "heading": "H2"}
"""Role of a paragraph by the name of its style; others are "P"."""


class TaggedParagraph(Flowing):  # type: ignore[misc]
    """A paragraph under the role of its style; a heading also stands in the bookmarks where `bookmark` is set."""

    bookmark = ""

    def drawOn(self, canvas: TaggedCanvas, x: float, y: float, _sW: float = 0) -> None:  # noqa: N802, N803 - reportlab's
        """Draw it at a place of the page."""
        with canvas.content(ROLES.get(self.style.name, "P")):
            super().drawOn(canvas, x, y, _sW)
        if self.bookmark:
            canvas.bookmarkPage(self.bookmark)
            canvas.addOutlineEntry(self.getPlainText(), self.bookmark, 0)


class TaggedSheet(Sheet):  # type: ignore[misc]
    """A picture with its words."""

    alt = ""

    def drawOn(self, canvas: TaggedCanvas, x: float, y: float, _sW: float = 0) -> None:  # noqa: N802, N803
        """Draw it at a place of the page."""
        with canvas.content("Figure", self.alt):
            super().drawOn(canvas, x, y, _sW)


class Drawn(Flowable):  # type: ignore[misc]
    """A drawing: a figure with its words, or without any where it only repeats the words beside it.

    Parameters
    ----------
    paint
        Draws on the canvas, its origin in the lower left corner.
    """

    def __init__(self, width: float, height: float, paint: Callable[[TaggedCanvas], None], alt: str = "") -> None:
        super().__init__()
        self.width, self.height, self.paint, self.alt = width, height, paint, alt

    def draw(self) -> None:
        """Draw it; reportlab has moved the origin."""
        self.paint(self.canv)

    def drawOn(self, canvas: TaggedCanvas, x: float, y: float, _sW: float = 0) -> None:  # noqa: N802, N803
        """Draw it at a place of the page."""
        with canvas.content("Figure", self.alt) if self.alt else canvas.artifact():
            super().drawOn(canvas, x, y, _sW)


GROUNDS = {"startBG": "/Artifact BMC", "startLines": "/Artifact BMC", "endBG": "EMC", "endLines": "EMC"}
"""What stands round the grounds and lines of a table, which are no part of the text."""


def _ground(grid: Grid, event: str, *where: object) -> None:
    if event in GROUNDS:
        grid.canv._code.append(GROUNDS[event])


def _told(grid: Grid, event: str, *where: object) -> None:
    """Take note of what reportlab is about to draw of a table; this is its own hook for tags."""
    canvas: TaggedCanvas = grid.canv
    if event in GROUNDS:
        _ground(grid, event)
    elif event == "startCell":
        heads = (grid.repeatRows and where[0] == 0) or (grid.named and where[1] == 0)
        canvas.begin("TH" if heads else "TD")
    elif event.startswith("start"):
        canvas.begin({"startTable": "Table", "startRow": "TR"}[event])
    else:
        canvas.end()


class TaggedGrid(Grid):  # type: ignore[misc]
    """A table whose cells are paragraphs, with rows and cells in the structure; parameters as reportlab's `Table`."""

    named = False
    """Whether the first column names what the others say."""

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **(named | {"renderCB": _told}))


class Beside(Grid):  # type: ignore[misc]
    """Things side by side, which is a look and no table: only what stands in the cells is in the structure."""

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **(named | {"renderCB": _ground}))


class NamedGrid(TaggedGrid):
    """A table whose first column names what the others say."""

    named = True
