"""From what AWS says of a job to a class of cause. MessageCategory and StatusMessage are free text with many spellings, and neither is trusted.

A row of the table applies where the category is one of its own or the message has one of its phrases; the first that applies wins. The order:
1. Phrases that name a mechanism come first, since such a message goes on with words of another class: "Windows VSS Backup attempt failed because of
   insufficient privileges" is about VSS, and what a maintenance window kept from starting did not miss its start window.
2. Throttling before quotas ("Request limit exceeded" is a rate), and "too many copy jobs running for resource" before both.
3. KMS before what is denied and what is gone: "the key does not exist, is not enabled or you do not have permissions" may be either, and only the key is sure.
4. Denied before gone: a service that hides what one may not see says "does not exist, or access is denied".
5. The vague ones ("is invalid", "internal error") last, and after them the state alone.
A message that stands in quotes as a whole, or in JSON, as a service that was called gave it, is read as what stands in them.
A message that no row knows is `other`: nothing is guessed. Names are taken out before matching: a bucket called kms-logs says nothing about KMS.

Source of the wordings: see `policycheck.causes`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from policycheck.text import clean_line

SUCCESS = "success"
_LONGEST = 2000
"""Characters of a message that are looked at; AWS's are at most a few hundred."""
# A quoted name begins after a space or bracket: the apostrophe of "doesn't" does not.
_NAMES = re.compile(r"\barn:[^\s,;]+|(?<!\w)'[^']{0,200}'|\"[^\"]{0,200}\"")
_PAIRS = {
    **{mark: mark for mark in "\"'`\u201d\u2019\uff02"},
    "\u201c": "\u201d\u201c",
    "\u2018": "\u2019\u2018",
    "\u201e": "\u201c\u201d",
    "\u201a": "\u2018\u2019",
    "\u00ab": "\u00bb",
    "\u00bb": "\u00ab",
    "\u2039": "\u203a",
    "\u203a": "\u2039",
    "\u300c": "\u300d",
}
"""Quotation marks by the one that opens."""
_LAYERS = 8
_AFTER_QUOTE = ".!;,"
_SAYS = frozenset(
    "message messages errormessage statusmessage msg error errors errorcode errortype code type reason cause detail details description exception".split()
)
"""Members of a JSON message that say what happened, by their letters; the others name what it happened to."""
_OPENING = frozenset(_PAIRS) | {"\\"}
_NOT_LETTERS = re.compile(r"[^a-z0-9]")


class _Row(Struct, frozen=True):
    cause: str
    phrases: str
    """A regular expression, compiled when a message is first compared with it: most runs classify few failures, if any."""
    categories: frozenset[str] = frozenset()
    """Lower case, letters and digits alone."""


def _row(cause: str, *phrases: str, categories: str = "") -> _Row:
    """Phrases are regular expressions without nested repetition: matching takes time in proportion to the text."""
    return _Row(cause, "|".join(phrases), frozenset(categories.split()))


_TABLE = (
    _row(
        "vss",
        r"\b(?:windows|enable[ds]?) vss\b",
        r"\bvss[ -](?:backup|enabled|snapshot|job|writer)",
        "crash[- ]consistent",
        categories="vsserror vss windowsvsserror",
    ),
    _row("s3_versioning", "versioning (?:is |was )?(?:not|disabled|suspended)", r"(?:enable|turn on)\b.{0,20}\bversioning", "without versioning"),
    _row("maintenance_window", "too close to the", "inside the (?:weekly )?maintenance window", "maintenance window configured"),
    _row("vault_retention", r"retention\b.{0,80}\b(?:range|minimum|maximum|vault lock)", r"\b(?:min|max)retentiondays", "vault lock"),
    _row("completion_window", "expired before completion", "completion window", "cancell?ed by aws backup"),
    _row("start_window", "start window", r"(?:not|never) start(?:ed)? (?:with)?in\b", "expired before (?:it )?start"),
    _row("cross_account", "same organi[sz]ation", "cross-account copy feature", "cross-account backup is not enabled"),
    _row(
        "unshareable_key",
        r"(?:aws managed|default|service managed) key\b.{0,40}\b(?:shared|copied)",
        "encrypted with the default backup",
    ),
    _row("resource_busy", "running job for the same", "too many copy jobs running"),
    _row(
        "throttled",
        r"throttl(?:ed|ing)\b(?! due to)",
        "rate exceeded",
        "(?:request|rate) ?limit ?exceeded",
        "too many requests",
        categories="throttling throttled throttlingexception requestlimitexceeded toomanyrequests",
    ),
    _row(
        "quota",
        "limits? (?:was |is |has been )?(?:exceeded|reached)",
        "exceeded our internal limits",
        r"\bquotas?\b(?!-)",
        "maximum (?:number|allowed|supported|concurrent)",
        r"more than \d+ (?:user )?(?:tags|snapshots)",
        "can have at most",
        categories="limitexceeded limitexceededexception quotaexceeded servicequotaexceeded servicequotaexceededexception",
    ),
    _row("kms_key", r"(?<![\w./-])kms(?![\w-])", "given key id", "creategrant", "encryption key", categories="kmserror kmsaccessdenied kmskeydisabled"),
    _row(
        "access_denied",
        "access(?: is| was)? denied",
        "accessdenied",
        r"\bnot (?:been )?authori[sz]ed",
        "unauthori[sz]ed",
        "(?:not|n't) have (?:the |sufficient |required |necessary )?permission",
        "miss(?:ing|es)? (?:the )?permission",
        "insufficient (?:privileges|permissions)",
        "cannot be assumed",
        "(?:unable|failed) to assume",
        "explicit deny",
        categories="accessdenied accessdeniedexception insufficientprivileges unauthorized unauthorizedoperation",
    ),
    _row("cancelled", "(?:stopped|cancell?ed|aborted) by (?:a |the )?user", "user (?:stopped|cancell?ed|aborted)", "stopbackupjob"),
    _row(
        "resource_busy",
        "not in (?:the |an? )?(?:available |valid |supported |correct )?state",
        "cannot snapshot volume",
        r"being (?:changed|modified|deleted|created|backed up)\b",
        "another (?:operation|backup)",
        "already in progress",
        "not online",
        categories="invalidstate invalidresourcestate resourcebusy conflict concurrentmodification",
    ),
    _row(
        "resource_gone",
        "(?:does|do|did) not exist",
        "does ?n't exist",
        "not found",
        "no longer (?:available|exists)",
        "(?:could not|cannot) find",
        "(?:was|has been) deleted",
        categories="resourcenotfound resourcenotfoundexception notfound",
    ),
    _row("unsupported", "(?:not |un)supported", "cannot be copied to another", categories="unsupported unsupportedoperation unsupportedresourcetype"),
    _row(
        "invalid_parameters",
        "(?:is|are) (?:invalid|not valid)",
        "invalid parameter",
        categories="invalidparameters invalidparameter invalidparametervalue invalidrequest",
    ),
    _row(
        "internal_error",
        "internal (?:error|failure|service error|server error)",
        "fatal error",
        "service unavailable",
        categories="internalerror internalfailure internalservererror serviceunavailable",
    ),
)
_STATES = {"expired": "start_window", "aborted": "aborted", "aborting": "aborted", "partial": "partial", "failed": "other"}

# What becomes of a job. A rule about anything else (its role, its vault, its retention) is not mended by what mends the job.
_COURSE = frozenset(
    "State Status Outcome MessageCategory StatusMessage Overdue PercentDone InitiationDate CompletionDate RecoveryPointArn CreatedResourceArn "
    "Duration Elapsed StartDelay BackupSizeInBytes BytesTransferred BackupType ValidationStatus".split()
)


def asks_for_cause(fields: Iterable[str]) -> bool:
    """Whether a rule on these fields asks what became of a job, so that what went wrong with it is why it violates."""
    return not _COURSE.isdisjoint(fields)


def classify(state: str | None, category: str | None, message: str | None) -> str | None:
    """The id of the class (`policycheck.causes.CAUSES`) that this job belongs to.

    Args:
        state: State, or Status of a restore job.
        category: MessageCategory as recorded; None where it is missing, as in every restore job.
        message: StatusMessage as recorded.

    Returns:
        None where nothing went wrong as far as the record says: a job in progress, one of an unknown state, a COMPLETED one that is clean, or a COMPLETED one
        without a category whose message no row knows.
    """
    ended, kind = (state or "").lower(), _letters(category or "")
    if ended not in _STATES and (ended != "completed" or kind == SUCCESS):
        return None
    return _find_cause(ended, kind, _NAMES.sub(" ", unquote(clean_line((message or "")[:_LONGEST])).lower()))


@lru_cache(maxsize=1000)
def _letters(category: str) -> str:
    return _NOT_LETTERS.sub("", category.lower())


@lru_cache(maxsize=1000)
def _find_cause(ended: str, kind: str, text: str) -> str | None:
    """The class by the lower-case state, the category's letters and the message without names, which many jobs have in common."""
    found = next((row.cause for row in _TABLE if kind in row.categories or re.search(row.phrases, text)), None)
    if found is not None:
        return found
    if ended == "completed":
        return "completed_with_issues" if kind else None
    return _STATES[ended]


def unquote(message: str) -> str:
    """What a message says that stands in quotes as a whole, or is JSON; quotes within quotes too. Any other message is left as it is."""
    text = message.strip()
    for _ in range(_LAYERS):
        inner = _said(text) or _within_quotes(text)
        if inner is None:
            break
        text = inner.strip()
    return text


def _said(text: str) -> str | None:
    """The texts of a JSON object, list or text; None where this is none, or says nothing."""
    if not text.startswith(("{", "[", '"')):
        return None
    try:
        return " ; ".join(unquote(part) for part in _texts(json.loads(text))) or None
    except (ValueError, RecursionError):
        return None


def _texts(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case list():
            return [text for item in value for text in _texts(item)]
        case dict():
            saying = {key: item for key, item in value.items() if _NOT_LETTERS.sub("", key.lower()) in _SAYS}
            return [text for item in (saying or value).values() for text in _texts(item)]
        case _:
            return []


def _within_quotes(text: str) -> str | None:
    """What stands between a quotation mark at the start and its partner at the end; None where the first partner stands elsewhere."""
    if text[:1] not in _OPENING:
        return None
    plain = text.replace('\\"', '"').replace("\\'", "'")
    ending = plain.rstrip(_AFTER_QUOTE)
    if len(ending) < 2 or ending[-1] not in _PAIRS.get(ending[0], ""):
        return None
    inner = ending[1:-1]
    return None if _is_left(inner, ending[0], ending[-1]) else inner


def _is_left(inner: str, opening: str, closing: str) -> bool:
    """Whether the quotation that began before `inner` ends within it: 'a' failed because of 'b' stands in quotes at both ends, and not as a whole."""
    depth = 1
    for index, mark in enumerate(inner):
        if mark not in (opening, closing):
            continue
        before, after = inner[index - 1 : index], inner[index + 1 : index + 2]
        if before.isalnum() and after.isalnum():
            continue  # an apostrophe
        opens = mark == opening and (not before or before.isspace() or before in "([{:=\"'") and bool(after.strip())
        depth += 1 if opens else -1
        if depth == 0:
            return True
    return False
