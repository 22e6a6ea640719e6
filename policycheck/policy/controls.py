"""The controls that backup policies speak to, by framework: what an id looks like, and which ids are known to ask about backups.

A list is not the whole framework: an id that is not in it may well exist. What does not even look like an id of its framework is a slip.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ControlFramework:
    """A framework of controls, by the name it has in a rule's `controls`."""

    title: str
    source: str
    """Whose text the ids are taken from."""
    pattern: str
    """A regular expression that every id of the framework matches as a whole."""
    ids: tuple[str, ...]
    """The ids that AWS, Prowler and Powerpipe attach to checks of backups, and those that ask for backups in their own words."""

    def looks_right(self, control: str) -> bool:
        return re.fullmatch(self.pattern, control, re.ASCII) is not None


FRAMEWORKS: Mapping[str, ControlFramework] = {
    "nist-800-53": ControlFramework(
        "NIST SP 800-53 revision 5",
        "NIST SP 800-53 Rev. 5, families CP, SC and SI; the conformance packs of AWS Config",
        r"[A-Z]{2}-[1-9]\d?(?:\([1-9]\d?\))?(?:\([a-z]\))?|[A-Z]{2}-[1-9]\d?[a-z]\.?",
        tuple("CP-6 CP-6(1) CP-6(2) CP-9 CP-9(1) CP-9(2) CP-9(3) CP-9(5) CP-9(8) CP-10 CP-10(2) SC-5(2) SI-12 SI-13(5)".split()),
    ),
    "nist-csf": ControlFramework(
        "NIST Cybersecurity Framework 2.0",
        "NIST CSWP 29, Appendix A",
        r"[A-Z]{2}\.[A-Z]{2}-\d{1,2}",
        tuple("PR.DS-11 PR.IR-03 PR.IR-04 RC.RP-03 ID.AM-08".split()),
    ),
    "nist-800-171": ControlFramework("NIST SP 800-171 revision 2", "NIST SP 800-171 Rev. 2, 3.8 Media Protection", r"3\.[1-9]\d?\.[1-9]\d?", ("3.8.9",)),
    "fedramp": ControlFramework(
        "FedRAMP",
        "FedRAMP Moderate baseline, revision 4, and the key security indicators of FedRAMP 20x",
        r"[A-Z]{2}-[1-9]\d?(?:\([a-z0-9]{1,2}\))*|KSI-[A-Z]{3}(?:-\w+)?",
        ("CP-9", "CP-9(b)", "CP-10", "KSI-RPL"),
    ),
    "soc2": ControlFramework(
        "SOC 2",
        "AICPA, Trust Services Criteria (2017, points of focus of 2022)",
        r"(?:CC[1-9]|A1|C1|P[1-8]|PI1)\.\d{1,2}",
        ("A1.2", "A1.3", "CC7.4", "PI1.5"),
    ),
    "iso-27001": ControlFramework("ISO/IEC 27001:2022", "ISO/IEC 27001:2022, Annex A", r"A\.[5-8]\.[1-9]\d?", ("A.8.13", "A.8.14", "A.8.24")),
    "pci-dss": ControlFramework(
        "PCI DSS 4.0", "PCI DSS v4.0, requirements 3, 9 and 10", r"(?:A[1-3]\.)?[1-9]\d?(?:\.[1-9]\d?){1,3}", ("3.5.1", "9.4.1.1", "10.3.3", "10.5.1")
    ),
    "hipaa": ControlFramework(
        "HIPAA Security Rule",
        "45 CFR Part 164, Subpart C",
        r"164\.3\d\d(?:\([a-zA-Z0-9]{1,4}\))+",
        (
            "164.308(a)(7)(i)",
            "164.308(a)(7)(ii)(A)",
            "164.308(a)(7)(ii)(B)",
            "164.308(a)(7)(ii)(D)",
            "164.310(d)(2)(iv)",
        ),
    ),
    "cis-controls": ControlFramework(
        "CIS Controls v8", "CIS Critical Security Controls v8, control 11", r"[1-9]\d?\.[1-9]\d?", ("11.2", "11.3", "11.4", "11.5")
    ),
    "dora": ControlFramework("DORA", "Regulation (EU) 2022/2554", r"Art\. ?[1-9]\d?(?:\(\d{1,2}\))*(?:\([a-z]\))?", ("Art. 11", "Art. 12")),
    "nis2": ControlFramework(
        "NIS2 implementing regulation", "Implementing Regulation (EU) 2024/2690, Annex", r"[1-9]\d?(?:\.\d{1,2}){1,2}(?:\.[a-z])?", ("4.2.2.b", "4.2.2.e")
    ),
    "csa-ccm": ControlFramework("CSA Cloud Controls Matrix v4", "Cloud Security Alliance, CCM v4", r"[A-Z][A-Z&]{2}-\d{2}", ("BCR-08",)),
}
"""By the name in `controls: {nist-800-53: [CP-9]}`. Another name is a framework of the author's own."""
