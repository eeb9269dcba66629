"""A notebook in JupyterLab, and what a person does with it: by mouse where the name says click, else by keyboard."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

RUN = 600_000  # milliseconds after which a run is given up: a solved notebook on a busy machine
NUMBERED = re.compile(r"\[\d+\]")
READY = 'window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === "idle"'


class Notebook:
    """An open notebook. Cells go by their ids, which the file has and the page has not."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page = page
        self.cells = json.loads(file.read_text("utf-8"))["cells"]
        self.places = {cell["id"]: place for place, cell in enumerate(self.cells)}
        self.panel = page.locator(".jp-NotebookPanel:visible")
        expect(self.panel.locator(".jp-Notebook-cell")).to_have_count(len(self.cells), timeout=RUN)
        page.wait_for_function(READY, timeout=RUN)

    def cell(self, name: str) -> Locator:
        return self.panel.locator(".jp-Notebook-cell").nth(self.places[name])

    def output(self, name: str) -> Locator:
        return self.cell(name).locator(".jp-OutputArea-output")

    def picture(self, name: str) -> str:
        """The first picture that a cell shows, as its bytes in base64."""
        return self.cell(name).locator("img").first.get_attribute("src")

    def command(self, name: str) -> None:
        """Start a command of JupyterLab. Keys to the palette go astray where a notebook takes the focus once loaded."""
        self.page.evaluate("name => { jupyterapp.commands.execute(name) }", name)

    def save(self) -> None:
        self.command("docmanager:save")
        self.page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty", timeout=RUN)

    def wait(self, name: str) -> None:
        """Wait until a cell has run, and all before it."""
        expect(self.cell(name).locator(".jp-InputPrompt")).to_have_text(NUMBERED, timeout=RUN)

    def run_all(self) -> None:
        """Clear what is there, run all cells, and wait for the last."""
        self.command("notebook:clear-all-cell-outputs")
        self.command("notebook:run-all-cells")
        self.wait(self.cells[-1]["id"])

    def click_and_run(self, name: str) -> None:
        self.cell(name).locator(".jp-InputPrompt").click()
        self.run()

    def run(self) -> None:
        """Run the selected cell, and wait for it."""
        prompt = self.panel.locator(".jp-Notebook-cell").nth(self.selected()).locator(".jp-InputPrompt")
        before = prompt.text_content()
        self.page.keyboard.press("Shift+Enter")
        expect(prompt).not_to_have_text(before)
        expect(prompt).to_have_text(NUMBERED, timeout=RUN)

    def selected(self) -> int:
        """The place of the selected cell."""
        cell = self.panel.locator(".jp-Notebook-cell.jp-mod-active")
        return int(cell.get_attribute("data-windowed-list-index"))

    def go_to(self, name: str) -> None:
        """Move the selection, from whatever cell it is on. The arrows pass by a cell whose code is collapsed."""
        self.page.keyboard.press("Escape")
        for _ in self.cells:
            if way := self.places[name] - self.selected():
                self.page.keyboard.press("ArrowDown" if way > 0 else "ArrowUp")
        assert self.selected() == self.places[name]

    def type_over_last_line(self, text: str) -> None:
        """Replace the last line of the cell that is being edited, but for its indent."""
        for key in ("Control+End", "Shift+Home"):
            self.page.keyboard.press(key)
        self.page.keyboard.type(text)
