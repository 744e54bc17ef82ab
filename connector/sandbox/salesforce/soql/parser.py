"""Parse a query by recursive descent."""

import re

from connector.sandbox.salesforce.errors import CrmError, malformed, pointing
from connector.sandbox.salesforce.soql.tokens import Token, tokenize
from connector.sandbox.salesforce.soql.tree import (
    Aggregate,
    AllFields,
    Comparison,
    Condition,
    Literal,
    Logic,
    Name,
    Ordering,
    Query,
    Selected,
    SemiJoin,
    TypeOf,
)

FUNCTIONS = ("COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG")
CLAUSES = ("WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET")
RESERVED = (*CLAUSES, "FROM", "SELECT", "AND", "OR", "NOT", "LIKE", "IN", "USING", "WITH", "FOR", "ALL", "UPDATE")
PERIODS = re.compile(r"YESTERDAY|TODAY|TOMORROW|(LAST|THIS|NEXT)_(WEEK|MONTH|QUARTER|YEAR)|LAST_90_DAYS|NEXT_90_DAYS")
COUNTED_PERIODS = re.compile(r"(LAST|NEXT)_N_(DAYS|WEEKS|MONTHS|QUARTERS|YEARS)|N_(DAYS|WEEKS|MONTHS|YEARS)_AGO")


def parse(source: str) -> Query:
    """Parse one query; raises CrmError MALFORMED_QUERY for anything outside the grammar."""
    parser = Parser(source)
    try:
        query = parser.query(depth=0)
    except RecursionError:
        raise malformed("the query is nested too deeply") from None
    if parser.next.kind != "end":
        raise parser.unexpected()
    return query


class Parser:
    """Walk the tokens of one query."""

    def __init__(self, source: str) -> None:
        self._source, self._tokens, self._index = source, tokenize(source), 0

    @property
    def next(self) -> Token:
        """Give the token that comes next."""
        return self._tokens[self._index]

    def unexpected(self) -> CrmError:
        """Refuse the token that comes next."""
        token = self.next
        return pointing(self._source, token.position, "MALFORMED_QUERY", f"unexpected token: '{token.text}'")

    def query(self, depth: int) -> Query:
        """Parse SELECT … up to the end of its clauses."""
        self._word("SELECT")
        selected = [self._selected(depth)]
        while self._take(","):
            selected.append(self._selected(depth))
        self._word("FROM")
        target = self._object()
        alias = self._from_alias()
        where = self._condition(depth) if self._take_word("WHERE") else None
        group_by = self._group_by()
        having = self._condition(depth) if self._take_word("HAVING") else None
        order_by = self._order_by()
        limit = self._number() if self._take_word("LIMIT") else None
        offset = self._number() if self._take_word("OFFSET") else None
        return Query(
            self._source,
            tuple(selected),
            target.path[0],
            target.position,
            alias,
            where,
            group_by,
            having,
            order_by,
            limit,
            offset,
        )

    def _advance(self) -> Token:
        token = self.next
        self._index += 1
        return token

    def _take(self, symbol: str) -> bool:
        if self.next.is_symbol(symbol):
            self._index += 1
            return True
        return False

    def _take_word(self, word: str) -> bool:
        if self.next.is_word(word):
            self._index += 1
            return True
        return False

    def _symbol(self, symbol: str) -> None:
        if not self._take(symbol):
            raise self.unexpected()

    def _word(self, word: str) -> None:
        if not self._take_word(word):
            raise self.unexpected()

    def _name(self) -> Name:
        token = self.next
        if token.kind != "name" or token.is_word(*RESERVED):
            raise self.unexpected()
        self._index += 1
        return Name(tuple(part.strip() for part in token.text.split(".")), token.position)

    def _object(self) -> Name:
        token = self.next
        if token.kind != "name" or "." in token.text:
            raise self.unexpected()
        self._index += 1
        return Name((token.text,), token.position)  # `Group` is an object although it is a keyword

    def _number(self) -> int:
        if self.next.kind != "number" or not self.next.text.isdigit():
            raise self.unexpected()
        return int(self._advance().text)

    def _from_alias(self) -> str | None:
        marked = self._take_word("AS")
        if self.next.kind == "name" and "." not in self.next.text and not self.next.is_word(*RESERVED):
            return self._advance().text
        if marked:
            raise self.unexpected()
        return None

    def _alias(self) -> str | None:
        token = self.next
        if token.kind == "name" and "." not in token.text and not token.is_word(*RESERVED, "ASC", "DESC", "NULLS"):
            return self._advance().text
        return None

    def _selected(self, depth: int) -> Selected:
        if self._take("("):
            if depth > 0:
                raise self.unexpected()
            query = self.query(depth + 1)
            self._symbol(")")
            return query
        if self._follows("(") and self.next.is_word("FIELDS"):
            return self._all_fields()
        if self._follows("(") and self.next.is_word(*FUNCTIONS):
            return self._aggregate(aliased=True)
        if self.next.is_word("TYPEOF"):
            return self._typeof()
        name = self._name()
        return Name(name.path, name.position, self._alias())

    def _follows(self, symbol: str) -> bool:
        return self.next.kind == "name" and self._tokens[self._index + 1].is_symbol(symbol)

    def _all_fields(self) -> AllFields:
        self._index += 2
        if not self.next.is_word("ALL", "STANDARD", "CUSTOM"):
            raise self.unexpected()
        kind = self._advance().text.upper()
        self._symbol(")")
        return AllFields(kind)

    def _aggregate(self, *, aliased: bool) -> Aggregate:
        token = self._advance()
        self._symbol("(")
        field = None if self.next.is_symbol(")") else self._name()
        if field is None and token.text.upper() != "COUNT":
            raise self.unexpected()
        self._symbol(")")
        return Aggregate(token.text.upper(), field, self._alias() if aliased else None, token.position)

    def _typeof(self) -> TypeOf:
        self._word("TYPEOF")
        relationship, branches = self._name(), []
        while self._take_word("WHEN"):
            kind = self._object().path[0]
            self._word("THEN")
            branches.append((kind, self._names()))
        otherwise = self._names() if self._take_word("ELSE") else ()
        self._word("END")
        if not branches:
            raise self.unexpected()
        return TypeOf(relationship, tuple(branches), otherwise)

    def _names(self) -> tuple[Name, ...]:
        names = [self._name()]
        while self._take(","):
            names.append(self._name())
        return tuple(names)

    def _group_by(self) -> tuple[Name, ...]:
        if not self._take_word("GROUP"):
            return ()
        self._word("BY")
        return self._names()

    def _order_by(self) -> tuple[Ordering, ...]:
        if not self._take_word("ORDER"):
            return ()
        self._word("BY")
        orderings = [self._ordering()]
        while self._take(","):
            orderings.append(self._ordering())
        return tuple(orderings)

    def _ordering(self) -> Ordering:
        is_call = self._follows("(") and self.next.is_word(*FUNCTIONS)
        by: Name | Aggregate = self._aggregate(aliased=False) if is_call else self._name()
        descending = self._take_word("DESC")
        if not descending:
            self._take_word("ASC")
        nulls_last = False
        if self._take_word("NULLS"):
            nulls_last = self._take_word("LAST")
            if not nulls_last:
                self._word("FIRST")
        return Ordering(by, descending, nulls_last)

    def _condition(self, depth: int) -> Condition:
        parts, operator = [self._negation(depth)], None
        while self.next.is_word("AND", "OR"):
            word = self.next.text.upper()
            if operator is not None and word != operator:
                raise self.unexpected()
            operator = word
            self._index += 1
            parts.append(self._negation(depth))
        return parts[0] if operator is None else Logic(operator, tuple(parts))

    def _negation(self, depth: int) -> Condition:
        if self._take_word("NOT"):
            return Logic("NOT", (self._negation(depth),))
        if self._take("("):
            inner = self._condition(depth)
            self._symbol(")")
            return inner
        return self._comparison(depth)

    def _comparison(self, depth: int) -> Condition:
        is_call = self._follows("(") and self.next.is_word(*FUNCTIONS)
        left: Name | Aggregate = self._aggregate(aliased=False) if is_call else self._name()
        operator = self._operator()
        if operator not in ("IN", "NOT IN", "INCLUDES", "EXCLUDES"):
            return Comparison(left, operator, (self._literal(),))
        self._symbol("(")
        if self.next.is_word("SELECT") and isinstance(left, Name) and operator in ("IN", "NOT IN"):
            inner = self.query(depth + 1)
            self._symbol(")")
            return SemiJoin(left, operator == "NOT IN", inner)
        values = [self._literal()]
        while self._take(","):
            values.append(self._literal())
        self._symbol(")")
        return Comparison(left, operator, tuple(values))

    def _operator(self) -> str:
        token = self.next
        if token.is_symbol("=", "!=", "<>", "<", "<=", ">", ">="):
            self._index += 1
            return "!=" if token.text == "<>" else token.text
        if token.is_word("LIKE", "IN", "INCLUDES", "EXCLUDES"):
            self._index += 1
            return token.text.upper()
        if self._take_word("NOT"):
            self._word("IN")
            return "NOT IN"
        raise self.unexpected()

    def _literal(self) -> Literal:
        token = self.next
        if token.kind == "string":
            self._index += 1
            return Literal("string", token.text[1:-1], token.position)
        if token.kind in ("number", "date", "datetime"):
            self._index += 1
            return Literal(token.kind, token.text, token.position)
        if token.is_word("TRUE", "FALSE", "NULL"):
            self._index += 1
            word = token.text.lower()
            return Literal("null" if word == "null" else "boolean", word, token.position)
        return self._period()

    def _period(self) -> Literal:
        token, word = self.next, self.next.text.upper()
        if token.kind == "name" and PERIODS.fullmatch(word):
            self._index += 1
            return Literal("period", word, token.position)
        if token.kind == "name" and COUNTED_PERIODS.fullmatch(word):
            self._index += 1
            self._symbol(":")
            return Literal("period", f"{word}:{self._number()}", token.position)
        raise self.unexpected()
