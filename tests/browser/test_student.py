"""A student works in JupyterLab."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from bn_helpers.exercises import EXERCISES, NOTEBOOKS, QUIZZES

NOTEBOOK = "notebooks/02_scale_and_shift.ipynb"
ANSWER, CHECK, FIGURE = "saturated_fraction", "saturated_fraction-check", "saturation-figure"
EARLIER = ("scale_and_shift", "return gamma * x_hat + beta")
WRONG = "return np.mean(np.tanh(z) > threshold)"
POINTS = EXERCISES["saturated_fraction"].points
RIGHT = "return np.mean(np.abs(np.tanh(z)) > threshold)"
WHY = "It looks as if you count what is above the threshold only."


def test_wrong_answer_is_explained_and_the_right_one_changes_the_figure(open_notebook, screenshot):
    notebook = open_notebook(NOTEBOOK)
    notebook.run_all()

    def answer(exercise, text):
        notebook.cell(exercise).locator(".cm-line").last.click()
        notebook.type_over_last_line(text)
        for cell in (exercise, f"{exercise}-check", FIGURE):
            notebook.click_and_run(cell)

    answer(*EARLIER)
    expect(notebook.output(CHECK)).to_have_text(f"saturated_fraction: unanswered, 0 of {POINTS} points")
    expect(notebook.output(FIGURE)).to_have_text(f"this figure needs saturated_fraction ({POINTS} points)")
    answer(ANSWER, WRONG)
    expect(notebook.output(CHECK).first).to_contain_text(WHY)
    expect(notebook.output(CHECK).last).to_have_text(f"saturated_fraction: not right yet, 0.0 of {POINTS} points")
    wrong = notebook.picture(FIGURE)
    notebook.cell(CHECK).scroll_into_view_if_needed()
    screenshot("diagnosis")
    answer(ANSWER, RIGHT)
    expect(notebook.output(CHECK)).to_contain_text("saturated_fraction: all 6 cases pass")
    assert notebook.picture(FIGURE) != wrong
    screenshot("figure")


def test_keyboard_alone_suffices(open_notebook, page, screenshot):
    notebook = open_notebook(NOTEBOOK)
    notebook.run_all()
    answers = ((*EARLIER, "all 5 cases pass"), (ANSWER, WRONG, WHY), (ANSWER, RIGHT, "all 6 cases pass"))
    for exercise, text, told in answers:
        notebook.go_to(exercise)
        page.keyboard.press("Enter")
        notebook.type_over_last_line(text)
        page.keyboard.press("Shift+Enter")
        notebook.run()
        expect(notebook.output(f"{exercise}-check").first).to_contain_text(told)
    notebook.go_to(FIGURE)
    notebook.run()
    expect(notebook.cell(FIGURE).locator("img").first).to_be_visible()
    screenshot("figure")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_pristine_notebook_runs_and_says_what_is_not_attempted(open_notebook, name):
    notebook = open_notebook(f"notebooks/{name}.ipynb")
    notebook.run_all()
    tasks = [task for task in (*EXERCISES.values(), *QUIZZES.values()) if task.notebook == name]
    for task in tasks:
        said = notebook.output(f"{task.id}-check").last
        expect(said).to_have_text(f"{task.id}: unanswered, 0 of {task.points} points")
    expect(errors(notebook)).to_have_count(len(tasks))
    expect(notebook.output("summary")).to_contain_text("unanswered")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_solved_notebook_runs_without_an_error(open_notebook, name):
    notebook = open_notebook(f"solutions/{name}.ipynb")
    notebook.run_all()
    expect(errors(notebook)).to_have_count(0)
    expect(notebook.output("summary")).not_to_contain_text("unanswered")


def errors(notebook):
    """Whatever ended in an exception, or went to standard error."""
    return notebook.panel.locator('[data-mime-type="application/vnd.jupyter.error"], [data-mime-type*="stderr"]')
