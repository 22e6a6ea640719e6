"""The controls that backup policies speak to, by framework: what each asks for, what lists of jobs cannot show of it, and what an id looks like.

A matrix is not the whole framework: an id that is not in it may well exist. What does not even look like an id of its framework is a slip.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Control:
    """What one control asks for."""

    asks: str
    """In our words, as far as it concerns backups; no full stop."""
    beyond: str = ""
    """What lists of jobs cannot show of it; no full stop. Empty: they can show all of it."""
    automatable: bool = True
    """Whether a rule on lists of jobs can show any of it."""
    must_show: str = ""
    """What the rules must show, as the user's own matrix says."""


@dataclass(frozen=True, slots=True)
class ControlFramework:
    """A framework of controls, by the name it has in a rule's `controls`."""

    title: str
    source: str
    """Whose text the ids are taken from."""
    pattern: str
    """A regular expression that every id of the framework matches as a whole."""
    controls: Mapping[str, Control]
    """By id: those that AWS, Prowler and Powerpipe attach to checks of backups, and those that ask for backups in their own words."""

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self.controls)

    def looks_right(self, control: str) -> bool:
        return re.fullmatch(self.pattern, control, re.ASCII) is not None


def _matrix(*rows: tuple[str, str] | tuple[str, str, str], by_hand: tuple[tuple[str, str, str], ...] = ()) -> Mapping[str, Control]:
    """
    Args:
        rows: id, what it asks for, and what lists of jobs cannot show of that.
        by_hand: controls of which they can show nothing, with the evidence that shows it.
    """
    known = {row[0]: Control(row[1], row[2] if len(row) == 3 else "") for row in rows}
    return MappingProxyType({**known, **{control: Control(asks, evidence, automatable=False) for control, asks, evidence in by_hand}})


_KEYS = "how keys are managed, and who may use them"
_OUTSIDE = "backups made outside AWS Backup"
_EXERCISE = "an exercise of the whole recovery plan"

FRAMEWORKS: Mapping[str, ControlFramework] = MappingProxyType(
    {
        "nist-800-53": ControlFramework(
            "NIST SP 800-53 revision 5",
            "NIST SP 800-53 Rev. 5, families CP, SC and SI; the conformance packs of AWS Config",
            r"[A-Z]{2}-[1-9]\d?(?:\([1-9]\d?\))?(?:\([a-z]\))?|[A-Z]{2}-[1-9]\d?[a-z]\.?",
            _matrix(
                ("CP-6", "Keep backups at an alternate storage site", "agreements and safeguards of the site"),
                ("CP-6(1)", "Separate the alternate storage site from the primary one", "which hazards both sites share"),
                ("CP-6(2)", "Recover from the alternate site within the recovery time and point objectives", "whether the objectives are the right ones"),
                ("CP-9", "Back up user data, system data and documentation at the set frequency", _OUTSIDE),
                ("CP-9(1)", "Test backups for reliability and integrity"),
                ("CP-9(2)", "Restore a sample of backups when the contingency plan is tested", "the test of the contingency plan"),
                ("CP-9(3)", "Store backups of critical information apart from the system", "which information is critical"),
                ("CP-9(5)", "Transfer backups to the alternate storage site"),
                ("CP-9(8)", "Protect backups by cryptography", _KEYS),
                ("CP-10", "Recover the system to a known state", "recovery of the system as a whole"),
                ("SI-12", "Retain information as laws and policies require", "which laws and policies apply"),
                by_hand=(
                    ("CP-10(2)", "Recover transactions", "tests of point-in-time recovery of each transactional system"),
                    ("SC-5(2)", "Manage capacity, bandwidth and redundancy against denial of service", "capacity plans and service quotas"),
                    ("SI-13(5)", "Provide failover for the system", "failover tests"),
                ),
            ),
        ),
        "nist-csf": ControlFramework(
            "NIST Cybersecurity Framework 2.0",
            "NIST CSWP 29, Appendix A",
            r"[A-Z]{2}\.[A-Z]{2}-\d{1,2}",
            _matrix(
                ("PR.DS-11", "Create, protect, maintain and test backups", _OUTSIDE),
                ("PR.IR-03", "Achieve resilience in normal and adverse situations", "mechanisms other than backups"),
                ("RC.RP-03", "Verify backups before they are used to restore", "checks at the time of a real recovery"),
                by_hand=(
                    ("PR.IR-04", "Keep enough resource capacity for availability", "capacity plans"),
                    ("ID.AM-08", "Manage systems and data throughout their life cycles", "asset and data life cycle records"),
                ),
            ),
        ),
        "nist-800-171": ControlFramework(
            "NIST SP 800-171 revision 2",
            "NIST SP 800-171 Rev. 2, 3.8 Media Protection",
            r"3\.[1-9]\d?\.[1-9]\d?",
            _matrix(("3.8.9", "Protect the confidentiality of backups at storage locations", _KEYS)),
        ),
        "fedramp": ControlFramework(
            "FedRAMP",
            "FedRAMP Moderate baseline, revision 4, and the key security indicators of FedRAMP 20x",
            r"[A-Z]{2}-[1-9]\d?(?:\([a-z0-9]{1,2}\))*|KSI-[A-Z]{3}(?:-\w+)?",
            _matrix(
                ("CP-9", "Back up user data, system data and documentation at the set frequency", _OUTSIDE),
                ("CP-9(b)", "Back up system data at the set frequency", _OUTSIDE),
                ("CP-10", "Recover the system to a known state", "recovery of the system as a whole"),
                ("KSI-RPL", "Plan recovery, and test that it meets its objectives", "the recovery plan itself"),
            ),
        ),
        "soc2": ControlFramework(
            "SOC 2",
            "AICPA, Trust Services Criteria (2017, points of focus of 2022)",
            r"(?:CC[1-9]|A1|C1|P[1-8]|PI1)\.\d{1,2}",
            _matrix(
                ("A1.2", "Operate data backup and recovery infrastructure that meets the objectives", "environmental protections and software"),
                ("A1.3", "Test recovery procedures", _EXERCISE),
                ("PI1.5", "Store data completely, accurately and in time", "whether the data in a backup is right"),
                by_hand=(("CC7.4", "Respond to security incidents, and recover from them", "records of incident response"),),
            ),
        ),
        "iso-27001": ControlFramework(
            "ISO/IEC 27001:2022",
            "ISO/IEC 27001:2022, Annex A",
            r"A\.[5-8]\.[1-9]\d?",
            _matrix(
                ("A.8.13", "Maintain backups and test them regularly", "the backup policy itself"),
                ("A.8.24", "Use cryptography by defined rules", _KEYS),
                by_hand=(("A.8.14", "Provide redundant processing facilities", "the architecture and its failover tests"),),
            ),
        ),
        "pci-dss": ControlFramework(
            "PCI DSS 4.0",
            "PCI DSS v4.0, requirements 3, 9 and 10",
            r"(?:A[1-3]\.)?[1-9]\d?(?:\.[1-9]\d?){1,3}",
            _matrix(
                ("3.5.1", "Render stored account numbers unreadable", "which backups hold account numbers"),
                ("10.3.3", "Back up audit logs promptly to a secure place", "which resources hold audit logs"),
                ("10.5.1", "Retain audit logs for 12 months", "which resources hold audit logs, and that three months are at hand"),
                by_hand=(("9.4.1.1", "Store offline media backups in a secure location", "inspections of the location"),),
            ),
        ),
        "hipaa": ControlFramework(
            "HIPAA Security Rule",
            "45 CFR Part 164, Subpart C",
            r"164\.3\d\d(?:\([a-zA-Z0-9]{1,4}\))+",
            _matrix(
                ("164.308(a)(7)(ii)(A)", "Create and maintain retrievable exact copies of health information", "which resources hold health information"),
                ("164.308(a)(7)(ii)(B)", "Restore lost data", "the disaster recovery plan itself"),
                ("164.308(a)(7)(ii)(D)", "Test contingency plans", _EXERCISE),
                ("164.310(d)(2)(iv)", "Make a retrievable copy before equipment is moved", "when equipment is moved"),
                by_hand=(("164.308(a)(7)(i)", "Establish a contingency plan", "the plan itself"),),
            ),
        ),
        "cis-v8": ControlFramework(
            "CIS Controls v8",
            "CIS Critical Security Controls v8, control 11",
            r"[1-9]\d?\.[1-9]\d?",
            _matrix(
                ("11.2", "Perform automated backups", _OUTSIDE),
                ("11.3", "Protect recovery data like the original data", "who may reach vaults and keys"),
                ("11.4", "Keep an isolated instance of recovery data", "who may reach the other account or vault"),
                ("11.5", "Test data recovery"),
                by_hand=(("11.1", "Establish and maintain a data recovery process", "the documented process"),),
            ),
        ),
        "dora": ControlFramework(
            "DORA",
            "Regulation (EU) 2022/2554",
            r"Art\. ?[1-9]\d?(?:\(\d{1,2}\))*(?:\([a-z]\))?",
            _matrix(
                ("Art. 12", "Back up, restore and recover by set policies and procedures", "the policies, and the separation of systems"),
                by_hand=(("Art. 11", "Respond and recover by a business continuity policy", "the policy, its plans and their tests"),),
            ),
        ),
        "nis2": ControlFramework(
            "NIS2 implementing regulation",
            "Implementing Regulation (EU) 2024/2690, Annex",
            r"[1-9]\d?(?:\.\d{1,2}){1,2}(?:\.[a-z])?",
            _matrix(
                ("4.2.2.b", "Assure that backup copies are complete and accurate", "whether the data in a backup is right"),
                ("4.2.2.e", "Restore data from backup copies", _EXERCISE),
            ),
        ),
        "csa-ccm": ControlFramework(
            "CSA Cloud Controls Matrix v4",
            "Cloud Security Alliance, CCM v4",
            r"[A-Z][A-Z&]{2}-\d{2}",
            _matrix(("BCR-08", "Back up data, protect the backups and verify that they restore", _OUTSIDE)),
        ),
    }
)
"""By the name in `controls: {nist-800-53: [CP-9]}`. Another name is a framework of the author's own."""
