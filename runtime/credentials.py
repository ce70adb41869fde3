"""Redacts credentials in text by their form: `token=...`, `https://user:password@host`, private keys.

Anybody who can edit a resource or send an event chooses this text, and Python's `re` holds the interpreter's lock
while it searches. So every pattern takes linear time: a look-behind or a literal fixes where a match may start, a
repetition that has matched is never tried again (possessive, `++` and `*+`), and a value without an end extends to the
end of the text instead of failing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

HIDDEN = "(hidden)"
# Replaces the value after a change if the value before was also hidden, and differed.
CHANGED = "(hidden, changed)"

# Replacing one credential can complete another: `http://token="x"@host` becomes `http://token=(hidden)@host`.
ROUNDS = 4

# No pattern below matches without one of these. Most values are short names, and need only this search.
_SUSPICIOUS = re.compile(r"[=:]|eyJ|A[KS]IA|gh[opusr]_|github_pat_|(?i:bearer)|-----BEGIN ")

_WORDS = (
    r"(?:pass(?:word|wd|phrase)|pwd|token|secret[-_]?(?:access[-_]?)?key|access[-_]?(?:key|secret)|api[-_]?key"
    r"|client[-_]?secret|private[-_]?key|key[-_]?data|authorization|credentials?|cookie)"
)
_INSTEAD = rf"\g<kept>{HIDDEN}"
_QUOTE = r"\\*+[\"']?"
# Text that is not a credential's value: a mark of redaction, and what the API server says about a field
# (k8s.io/apimachinery v0.35:pkg/util/validation/field/errors.go, ErrorType.String).
_NO_VALUE = (
    r"(?!\(hidden(?:, changed)?\)(?:[\s,;&\"'`\])}]|\Z)|Invalid value|Forbidden:|Forbidden\Z"
    r"|Required value|Unsupported value|Duplicate value|Too (?:long|many|few)|Not found|Internal error)"
)
_QUOTED = (
    r"[bruBRU]{0,2}(?:\"(?:[^\"\\]++|\\(?:.|\Z))*+(?:\"|\Z)|'(?:[^'\\]++|\\(?:.|\Z))*+(?:'|\Z)|`[^`]*+(?:`|\Z)"
    # In a string within a string, where each quote has as many backslashes before it as the first.
    r"|(?P<escape>\\++)(?P<quote>[\"'])(?:[^\\\"']++|(?!(?<!\\)(?P=escape)(?P=quote)).)*+(?:(?P=escape)(?P=quote)|\Z))"
)
_VALUE = (
    rf"(?:(?i:bearer|basic|token)\s++(?={_QUOTE}[^\s,;&\"'`]))?(?:{_QUOTED}"
    r"|\[[^\]]*+\]?|\{[^}]*+\}?"  # a list, an object
    r"|[|>][-+\d]{0,3}[ \t]*+(?:\n++[ \t]++[^\n]*+)++"  # a block of YAML
    r"|(?:[^\s,;&\"'`]++|[,;&](?![\s\"'`]|\Z|[\w.-]{1,64}[=:]))++)"  # a word: 'a,b' is one, in 'a,key=b' it ends
)


@dataclass(frozen=True)
class CredentialPattern:
    """A pattern, and lower-case words: text without any of the words cannot match.

    Searching for the words is much cheaper than matching the pattern.
    """

    needs: tuple[str, ...]
    pattern: re.Pattern[str]


# In the order in which they are applied.
_PATTERNS = (
    # Private keys (RFC 7468).
    CredentialPattern(
        ("-----begin ",),
        re.compile(
            r"(?P<kept>)-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,16}-----"
            r"(?:[^-]++|-(?!----END ))*+(?:-----END [A-Z0-9 ]{0,64}-----)?"
        ),
    ),
    # The value in a validation error of pydantic.
    CredentialPattern(
        ("input_value=",),
        re.compile(r"(?P<kept>input_value=)(?:[^,]++|,(?! input_type=[\w.]{1,64}\]))++"),
    ),
    # Values in the query and the fragment of a URL: signatures, tokens, codes.
    CredentialPattern(
        ("?", "&", "#"),
        re.compile(
            r"(?P<kept>[?&#][\w.~%+\[\]-]{1,256}=)"
            r"(?!\(hidden\)(?:[&#\s]|\Z)|\(hidden, changed\))[^\s'\"`<>&#]++"
        ),
    ),
    # Headers whose value is the rest of the line.
    CredentialPattern(
        ("cookie",),
        re.compile(rf"(?P<kept>(?<![\w-])(?i:set-cookie2?|cookie2?)\s*+:\s*+){_NO_VALUE}[^\r\n]++"),
    ),
    CredentialPattern(
        ("authorization",),
        re.compile(
            r"(?P<kept>(?<![\w-])(?i:(?:proxy-)?authorization)\s*+:\s*+)"
            r"(?i:digest|aws4-hmac-sha256|hawk|oauth|negotiate|ntlm)\s[^\r\n]*+"
        ),
    ),
    # `key=value`, `key: value` and `"key": "value"`.
    CredentialPattern(
        ("pass", "pwd", "token", "secret", "key", "authorization", "credential", "cookie"),
        re.compile(
            rf"(?P<kept>(?<![\w-])(?=[\w-]*?(?i:{_WORDS}))[\w-]++{_QUOTE}\s*+(?:[=:][=>]?)\s*+){_NO_VALUE}{_VALUE}",
            re.DOTALL,
        ),
    ),
    # RFC 6750.
    CredentialPattern(("bearer",), re.compile(r"(?P<kept>\b(?i:bearer)\s++)[\w+/=.~-]{8,}+")),
    # Tokens with a known prefix: JWT (RFC 7519), keys of AWS, tokens of GitHub.
    CredentialPattern(("eyj",), re.compile(r"(?P<kept>)eyJ[\w-]{8,}+(?:\.[\w-]*+){0,4}")),
    CredentialPattern(("akia", "asia"), re.compile(r"(?P<kept>)A[KS]IA[A-Z0-9]{16}")),
    CredentialPattern(("gh",), re.compile(r"(?P<kept>)(?:gh[opusr]_[A-Za-z0-9]{16,}+|github_pat_\w{16,}+)")),
)
# A URL from its authority on. User and password are everything before the last '@'.
_AUTHORITY = re.compile(r"://([^\s'\"`<>]*+)")


def hidden(text: str) -> str:
    """Return `text` with each credential replaced by `(hidden)`."""
    if not _SUSPICIOUS.search(text):
        return text
    for _ in range(ROUNDS):
        before, text = text, _once(text)
        if before == text:
            break
    return text


def userinfo(text: str) -> Iterator[str]:
    """Yield the text between '://' and the last '@' of each URL in `text`."""
    if "://" in text:
        for url in _AUTHORITY.finditer(text):
            info, at, _ = url[1].rpartition("@")
            if at:
                yield info


def _once(text: str) -> str:
    if "://" in text:
        text = _AUTHORITY.sub(_without_userinfo, text)
    lower = text.lower()
    for credential in _PATTERNS:
        if any(word in lower for word in credential.needs):
            text = credential.pattern.sub(_INSTEAD, text)
    return text


def _without_userinfo(url: re.Match[str]) -> str:
    _, at, rest = url[1].rpartition("@")
    return f"://{HIDDEN}@{rest}" if at else url[0]
