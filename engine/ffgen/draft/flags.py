"""What is noted of a field, put to it: its type, that it is unique, that it may be empty; and spoiled data."""

import re
from typing import Any

from ffgen.draft import terms
from ffgen.draft.guess import guess, unknown
from ffgen.draft.request import Asked
from ffgen.draft.shares import ShareReader
from ffgen.draft.words import fold

_TEXTS = {"string", "text", "enum", "email", "phone", "url", "uuid", "ipv4", "time"}


class FlagReader(ShareReader):
    """A reader that gives fields what is noted of them."""

    def _place_types(self) -> None:
        for _, asked in self._all():
            for at, said in self.types.items():
                if any(first <= at <= last for first, last in [(asked.first, asked.last), *asked.mentions]):
                    self._set_type(asked, said["type"], said)
                    if asked.name.endswith("_count") and len(asked.phrase) == 1:
                        asked.name = re.sub(r"\W+", "_", fold(asked.said))

    def _set_type(self, asked: Asked, kind: str, said: dict[str, Any]) -> None:
        """A type that was said, over what the catalogue says, where the two can't both hold."""
        short = self._short(asked) or guess([*asked.phrase]) or {}
        have = short.get("type", "")
        if kind == "time" and asked.phrase[-1] in ("at", "on"):
            return
        if kind == have or (kind in ("string", "text", "enum") and have in _TEXTS) or (kind == "email" and have):
            made = dict(asked.short)
        elif kind in ("integer", "number") and have in ("integer", "number"):
            made = {**asked.short, "type": kind}
        elif kind == "date" and have == "datetime":
            made = {
                "type": "date",
                "range": [str(end)[:10] for end in short.get("range", ["2023-01-01", "2024-12-31"])],
            }
        elif kind in ("date", "datetime"):
            made = guess(["date" if kind == "date" else "timestamp"]) or {}
            made |= {"range": short["range"]} if have == "date" and "range" in short else {}
        elif kind in ("string", "text", "enum"):
            is_key = asked.phrase[-1] in ("id", "key", "code", "number", "no", "ref", "reference")
            made = {"type": "string", "pattern": "[A-Z]{2}[0-9]{6}"} if is_key else unknown(asked.said[:80])
        elif kind in ("integer", "number"):
            made = {"type": kind}
        else:
            made = {"type": kind}
        if kind == "number" and "decimals" in said:
            made["decimals"] = said["decimals"]
        if made.get("type", have) != have or not have:
            if {made.get("type"), have} != {"integer", "number"}:
                asked.meaning = None
        asked.short = {**made, **{key: asked.short[key] for key in ("unique", "nullable") if key in asked.short}}
        asked.notes.append(f"as {kind}")

    def _place_singles(self) -> None:
        """`no two the same`, `primary key`."""
        for first, _ in self.singles:
            pair = self._left(first - 1 if self.word(first - 1) in (",", "and") else first)
            if pair is not None:
                pair[1].short["unique"] = True
                pair[1].notes.append("unique")

    def _place_runs(self) -> None:
        """What is said of the last of several names, `each an integer from 1 to 5`, holds for the others."""
        for heads in self.runs:
            members = [asked for head in heads for _, asked in self._all() if asked.first <= head <= asked.last]
            if len(members) < 2:
                continue
            said = {
                key: value
                for key, value in members[0].short.items()
                if key in ("type", "range", "decimals", "nullable")
            }
            for one in members[1:]:
                if said.get("type") not in (None, self._short(one).get("type")):
                    one.meaning, one.short = None, {}
                one.short |= said
                one.notes.append("as said of all")

    def _place_blanks(self) -> None:
        """`which may be empty for new ones`, `if known`, `some have no phone`."""
        for first, last, is_right in self.blanks:
            joined = self.word(first - 1) in (",", "and") and self.word(first) != "only"
            pair = self._right(last) if is_right else self._left(first) or (self._left(first - 1) if joined else None)
            if pair is None and not is_right and {self.word(first - 1), self.word(first)} & {"it", "they", "but"}:
                pair = self._left(first, loose=True)
            if pair is not None:
                pair[1].short.setdefault("nullable", True)
                pair[1].notes.append(self.text_of(first, last)[:40])

    def _place_flags(self) -> None:
        """unique, optional, may be missing."""
        for at, token in enumerate(self.tokens):
            if token.word in ("unique", "distinct"):
                ends = self.word(at + 1) in (",", ";", ".", ")", "/", "", "and", "|")
                pair = (self._left(at) if ends else None) or self._tight_right(at) or self._left(at) or self._right(at)
                if pair:
                    pair[1].short["unique"] = True
                    pair[1].notes.append("unique")
                    self.use(at, at, "modifier")
            elif token.word in ("optional", "nullable") or (
                token.word in terms.MISSING and self.used[at] == "modifier"
            ):
                self._set_optional(at, token.word)
        for match in re.finditer(
            r"\bnot (?:all|every|each|everyone|everybody) (?:\w+ ){0,2}?(?:has|have|with) (?:a |an |any )?",
            self.norm.text,
        ):
            pair = self._right(self.norm.span(match.start(), match.end())[1])
            if pair:
                pair[1].short["nullable"] = True

    def _set_optional(self, at: int, word: str) -> None:
        part = next((one for one in self.shares if one.first <= at <= one.last), None)
        if part is not None:
            return
        if word in terms.MISSING and self.word(at + 1) in ("value", "data", "entry", "field", "cell"):
            pair = self._left(at) if self.word(at - 1) in ("be", "have", "has") else None
            if pair is None:
                self.request.imperfections.setdefault("nulls", 0.05)
                self.request.understood.append('"missing values": a twentieth')
                return
        pair = (
            (self._tight_right(at) if word in ("optional", "nullable") else None)
            or self._left(at)
            or (self._right(at) if word not in terms.MISSING else None)
        )
        if pair is None or self.word(at - 1) in ("not", "no", "never"):
            return
        pair[1].short.setdefault("nullable", True)
        pair[1].notes.append(word)
        self.use(at, at, "modifier")

    def _place_spoiled(self) -> None:
        text = self.norm.text
        if re.search(r"\b(?:messy|dirty|noisy|unclean|low quality|real world mess|with error|imperfect)\b", text):
            self.request.imperfections.setdefault("quality", "medium")
        for word, key, part in (
            ("duplicate", "duplicates", 0.02),
            ("outlier", "outliers", 0.01),
            ("typo", "typos", 0.02),
        ):
            if (
                re.search(rf"(?<!no )(?<!without )(?<!any )\b{word}\b", text)
                and key not in self.request.imperfections
                and "no duplicate" not in text
            ):
                self.request.imperfections[key] = part
                self.request.understood.append(f'"{word}s": {part:.0%}')
