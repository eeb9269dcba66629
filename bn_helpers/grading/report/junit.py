"""junit.xml: a suite a student, a case an exercise. Some readers keep no more than names, so these hold the points."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from bn_helpers.grading.results import ERROR, OPEN, PASSED, ExerciseResult, Graded, SubmissionResult
from bn_helpers.text import number, one_line, printable

_NOT_IN_XML = re.compile("[\ufffe\uffff]")
_ELEMENTS = {**dict.fromkeys(OPEN, "skipped"), ERROR: "error"}  # any other that has not passed: failure


def suites(graded: Graded) -> bytes:
    """The whole file."""
    root = ElementTree.Element("testsuites", name=f"grading ({graded.sandbox})")
    for result in graded.results:
        root.append(_suite(result))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name)) for suite in root)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _suite(result: SubmissionResult) -> ElementTree.Element:
    name = f"{one_line(result.student)}: {number(result.score)}/{number(result.max_score)} points"
    suite = ElementTree.Element("testsuite", name=_xml(name), time=f"{result.seconds:.2f}")
    cases = [_case(result.student, exercise) for exercise in result.exercises]
    suite.extend(cases)
    suite.set("tests", str(len(cases)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    if result.notes:
        ElementTree.SubElement(suite, "system-out").text = _xml("\n".join(result.notes))
    return suite


def _case(student: str, exercise: ExerciseResult) -> ElementTree.Element:
    points = f"{number(exercise.score)}/{number(exercise.max_score)} points"
    words = ", ".join(part for part in (points, exercise.diagnosis) if part)
    case = ElementTree.Element(
        "testcase", classname=_xml(f"{one_line(student)}.{exercise.notebook}"), name=f"{exercise.id}: {words}"
    )
    if exercise.status != PASSED:
        about = {"message": _xml(f"{exercise.status}: {words}")}
        if exercise.status not in OPEN:
            about["type"] = exercise.status
        element = ElementTree.SubElement(case, _ELEMENTS.get(exercise.status, "failure"), about)
        element.text = _xml(f"{words}\n{exercise.message}")
    return case


def _xml(text: str) -> str:
    """Text with nothing that XML cannot hold; ElementTree escapes the rest."""
    return _NOT_IN_XML.sub("\ufffd", printable(text))
