"""Writes the model of a set of subgraphs as SDL, with small deviations as noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.router.composition.generation.dialect import CORE_DEFINITION
from tests.router.composition.generation.model_generator import default_of
from tests.router.oracle.choices import chance, pick

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.router.composition.generation.dialect import Dialect
    from tests.router.composition.generation.subgraph_set_model import Field, Input, SubgraphSetModel, Type
    from tests.router.oracle.choices import Choices

# Feature -> its directives, their arguments, and the elements on which they are valid.
DIRECTIVES_BY_FEATURE: dict[str, tuple[tuple[str, str, str], ...]] = {
    "tag": (
        ("tag", 'name: "t1"', "type field argument enum value input scalar union interface inputfield"),
        ("tag", 'name: "t2"', "type field argument enum value input scalar union interface inputfield"),
    ),
    "inaccessible": (("inaccessible", "", "type field argument enum value input scalar union interface inputfield"),),
    "auth": (
        ("authenticated", "", "type field scalar enum"),
        ("requiresScopes", 'scopes: [["a"]]', "type field scalar enum"),
        ("requiresScopes", 'scopes: [["a", "b"], ["c"]]', "type field scalar enum"),
        ("policy", 'policies: [["p"], ["q"]]', "type field scalar enum"),
    ),
    "cost": (
        ("cost", "weight: 5", "argument enum field inputfield type scalar"),
        ("cost", "weight: 2", "argument enum field inputfield type scalar"),
        ("listSize", "assumedSize: 10", "listfield"),
        ("listSize", "assumedSize: 3, requireOneSlicingArgument: false", "listfield"),
        ("listSize", 'slicingArguments: ["a0"]', "slicedfield"),
        ("listSize", 'assumedSize: 5, sizedFields: ["nodeId"]', "objectfield"),
    ),
    "cacheTag": (("cacheTag", 'format: "c-{$key.id}"', "type"), ("cacheTag", 'format: "all"', "field type")),
}
CONNECTORS = (
    'http: { GET: "/things" }, selection: "id"',
    'source: "api", http: { POST: "/things", body: "$args" }, selection: "$.results { id }", entity: true',
    'source: "api", id: "one", http: { GET: "/{$args.a0}" }, selection: "$"',
)


FEDERATION_1_DEFINITIONS = (
    "directive @key(fields: String!) repeatable on OBJECT | INTERFACE",
    "scalar _FieldSet\ndirective @key(fields: _FieldSet!) on OBJECT | INTERFACE",
    "directive @key(fields: _FieldSet!, resolvable: Boolean = true) repeatable on OBJECT\nscalar _FieldSet",
    "directive @external on FIELD_DEFINITION\ndirective @requires(fields: String!) on FIELD_DEFINITION",
    "directive @extends on OBJECT\ndirective @tag(name: String!) repeatable on FIELD_DEFINITION | OBJECT",
)
DEFINITIONS = {
    "key": "scalar federation__FieldSet directive @key(fields: federation__FieldSet!) repeatable on OBJECT | INTERFACE",
    "shareable": "directive @shareable on FIELD_DEFINITION | OBJECT",
    "external": "directive @external(reason: String) on OBJECT | FIELD_DEFINITION",
    "requires": "directive @requires(fields: String!) on FIELD_DEFINITION",
    "override": "directive @override(from: String!) on FIELD_DEFINITION",
    "tag": "directive @tag(name: String!) repeatable on FIELD_DEFINITION | OBJECT | INTERFACE | UNION",
    "inaccessible": "directive @inaccessible on FIELD_DEFINITION | OBJECT | SCALAR | ENUM",
    "authenticated": "directive @authenticated on FIELD_DEFINITION | OBJECT",
}


class SdlWriter:
    """Writes one set."""

    def __init__(self, choices: Choices, model: SubgraphSetModel) -> None:
        self._choices = choices
        self._model = model

    def sdl(self, dialect: Dialect) -> str:
        types = [self._type(dialect, type_) for type_ in self._model.types.values()]
        parts = [*filter(None, types), *self._directives(dialect)]
        if self._model.has("printed") and chance(self._choices, 60):
            parts += self._printed_definitions(dialect, "\n".join(parts))
        return "\n".join(filter(None, [dialect.header(), *parts])) + "\n"

    def _deviates(self) -> bool:
        return self._model.noise > 0 and chance(self._choices, self._model.noise)

    def _directives(self, dialect: Dialect) -> Iterator[str]:
        if self._model.has("executable") and not self._deviates():
            places = "QUERY | FIELD" if not self._deviates() else "FIELD"
            repeatable = "" if not self._deviates() else " repeatable"
            argument = pick(self._choices, ("n: Int", "n: Int", "n: Int = 3", "n: [String] = live", "n: Int = null"))
            yield f"directive @live({argument}){repeatable} on {places}"
            if chance(self._choices, 10):
                yield "directive @defer(if: Boolean) on FIELD"
        if dialect.core:
            yield CORE_DEFINITION
        if dialect.custom:
            yield f"directive @custom(n: Int{' = 0' if self._model.noise else ''}) on FIELD_DEFINITION | OBJECT"

    def _printed_definitions(self, dialect: Dialect, written: str) -> Iterator[str]:
        """The definitions that servers print for gateways, and definitions of directives as libraries write them."""
        query = dialect.roots.get("query", "Query")
        yield "scalar _Any\ntype _Service { sdl: String }"
        entities = [one.name for one in self._model.entities() if f"type {one.name} " in written]
        if entities and chance(self._choices, 50):
            yield f"union _Entity = {' | '.join(entities)}"
            yield f"extend type {query} {{ _entities(representations: [_Any!]!): [_Entity]! }}"
        yield f"extend type {query} {{ _service: _Service! }}"
        if dialect.is_federation_1:
            yield pick(self._choices, FEDERATION_1_DEFINITIONS)
        elif dialect.style == "imports" and not dialect.aliases:
            definitions = [DEFINITIONS[name] for name in dialect.used if name in DEFINITIONS]
            yield from (one for one in definitions if chance(self._choices, 60))

    def _random_directives(self, dialect: Dialect, element: str, percent: int = 12) -> str:
        found = ""
        for feature, rows in DIRECTIVES_BY_FEATURE.items():
            if not self._model.has(feature):
                continue
            for directive, arguments, elements in rows:
                repeated = directive not in ("tag", "cacheTag") and f"@{directive}" in found
                share = 4 if directive == "inaccessible" else percent
                if element in elements.split() and not repeated and chance(self._choices, share):
                    found += dialect(directive, arguments)
        if dialect.custom and element in ("field", "type") and chance(self._choices, 20):
            found += pick(self._choices, (" @custom(n: 0)", " @custom(n: 1)", " @custom(n: null)", " @custom"))
        if dialect.connect and element in ("field", "type") and chance(self._choices, 15):
            found += dialect.connected(pick(self._choices, CONNECTORS))
        deprecable = element in ("field", "value")
        if self._model.has("deprecated") and deprecable and chance(self._choices, 10):
            found += pick(
                self._choices,
                (
                    " @deprecated",
                    ' @deprecated(reason: "old")',
                    " @deprecated(reason: null)",
                    " @deprecated(reason: old)",
                ),
            )
        return found

    def _description(self) -> str:
        if not self._model.has("descriptions"):
            return ""
        return pick(self._choices, ("", "", '"about" ', '"""About\n  it""" ', '"other" '))

    def _type(self, dialect: Dialect, type_: Type) -> str:
        if dialect in type_.interface_object_in:
            return self._as_interface_object(dialect, type_)
        writers = {"enum": self._enum, "scalar": self._scalar, "input": self._input_type, "union": self._union}
        writer = writers.get(type_.kind, self._type_with_fields)
        return writer(dialect, type_)

    def _enum(self, dialect: Dialect, type_: Type) -> str:
        values = [value for value in type_.values if not self._deviates()] or type_.values
        written = " ".join(value + self._random_directives(dialect, "value") for value in values)
        return f"{self._description()}enum {type_.name}{self._random_directives(dialect, 'enum')} {{ {written} }}"

    def _scalar(self, dialect: Dialect, type_: Type) -> str:
        specified = ""
        if chance(self._choices, 10):
            url = pick(self._choices, ("https://a.example", "https://b.example"))
            specified = f' @specifiedBy(url: "{url}")'
        return f"{self._description()}scalar {type_.name}{specified}{self._random_directives(dialect, 'scalar')}"

    def _input_type(self, dialect: Dialect, type_: Type) -> str:
        kept = [one for one in type_.inputs if not self._deviates()] or type_.inputs
        written = "\n".join(f"  {self._input(dialect, one, 'inputfield')}" for one in kept)
        decorations = self._random_directives(dialect, "input", 6)
        return f"{self._description()}input {type_.name}{decorations} {{\n{written}\n}}"

    def _union(self, dialect: Dialect, type_: Type) -> str:
        members = [name for name in type_.members if self._is_declared(dialect, self._model.types[name])]
        members = [name for name in members if not self._deviates()] or members
        if not members:
            return ""
        decorations = self._random_directives(dialect, "union") + self._fixed_directives(dialect, type_)
        return f"{self._description()}union {type_.name}{decorations} = {' | '.join(members)}"

    def _fixed_directives(self, dialect: Dialect, type_: Type) -> str:
        return "".join(dialect(*one) for one in type_.directives.get(dialect.name, ()))

    def _is_declared(self, dialect: Dialect, type_: Type) -> bool:
        """Whether the subgraph declares the type, also as an interface object or as a union of declared members."""
        if type_.kind == "union":
            return any(self._is_declared(dialect, self._model.types[name]) for name in type_.members)
        return (
            type_.kind not in ("type", "interface")
            or dialect in type_.declared_in
            or dialect in type_.interface_object_in
        )

    def _with_known_type(self, dialect: Dialect, fields: Iterable[Field]) -> list[Field]:
        """The fields with a type that the subgraph declares."""
        types = self._model.types
        return [one for one in fields if one.base not in types or self._is_declared(dialect, types[one.base])]

    def _type_with_fields(self, dialect: Dialect, type_: Type) -> str:
        if dialect not in type_.declared_in:
            return ""
        root = type_.name.lower() if type_.name in ("Query", "Mutation", "Subscription") else ""
        name = dialect.roots.get(root, type_.name)
        declared = list(type_.fields.values())
        if type_.kind == "type":
            declared = [one for one in declared if dialect in one.owners or dialect in one.external_in]
        fields = [
            one
            for one in self._with_known_type(dialect, declared)
            if not (self._deviates() and chance(self._choices, 40))
        ]
        if not fields:
            if root in dialect.roots:
                del dialect.roots[root]
            return ""
        head = self._head(dialect, type_, name)
        written = "\n".join(f"  {self._field(dialect, type_, one)}" for one in fields)
        return f"{head} {{\n{written}\n}}"

    def _head(self, dialect: Dialect, type_: Type, name: str) -> str:
        known = [one for one in type_.interfaces if dialect in self._model.types[one].declared_in]
        implements = f" implements {' & '.join(known)}" if known else ""
        keys = "".join(self._key(dialect, key) for key in type_.keys.get(dialect.name, ()))
        directives = self._fixed_directives(dialect, type_)
        extend = ""
        if dialect.extends_types and type_.keys and chance(self._choices, 50):
            extend = pick(self._choices, ("extend ", " @extends"))
        element = type_.kind if name == type_.name and type_.name not in ("Query", "Mutation") else "root"
        decorations = self._random_directives(dialect, element, 6)
        if self._shares_all(dialect, type_):
            decorations += dialect("shareable")
        if extend == " @extends":
            decorations += dialect("extends")
        description = "" if extend == "extend " else self._description()
        prefix = extend if extend == "extend " else ""
        return f"{description}{prefix}{type_.kind} {name}{implements}{keys}{directives}{decorations}"

    def _key(self, dialect: Dialect, key: str) -> str:
        if key.startswith("!"):
            return dialect("key", f'fields: "{key[1:]}", resolvable: false')
        return dialect("key", f'fields: "{key}"')

    def _field(self, dialect: Dialect, type_: Type, declared: Field) -> str:
        arguments = [self._input(dialect, one, "argument") for one in declared.arguments if not self._deviates()]
        listed = f"({', '.join(arguments)})" if arguments else ""
        external = type_.kind == "type" and dialect not in declared.owners
        reason = 'reason: "elsewhere"' if external and self._deviates() else ""
        decorations = dialect("external", reason) if external else ""
        shared = type_.kind == "type" and len(declared.owners) > 1 and not external
        if (
            shared
            and not self._shares_all(dialect, type_)
            and not self._deviates()
            and not declared.directives
            and not self._is_key(dialect, type_, declared)
        ):
            decorations += dialect("shareable")
        decorations += "".join(dialect(*one) for one in declared.directives.get(dialect.name, ()))
        if not external and (type_.kind == "type" or chance(self._choices, 30)):
            decorations += self._random_directives(dialect, "field")
            decorations += self._random_directives(dialect, "listfield") if declared.is_list else ""
            decorations += self._random_directives(dialect, "slicedfield") if self._is_sliced(declared) else ""
            decorations += self._random_directives(dialect, "objectfield") if self._has_sized_field(declared) else ""
        written = self._type_with_noise(declared.type)
        return f"{self._description()}{declared.name}{listed}: {written}{decorations}"

    def _is_sliced(self, declared: Field) -> bool:
        """Whether the field has the slicing argument that `@listSize` names, apart from noise."""
        arguments = [one.type.strip("!") for one in declared.arguments if one.name == "a0"]
        return declared.is_list and (arguments == ["Int"] or self._deviates())

    def _has_sized_field(self, declared: Field) -> bool:
        """Whether the field leads to the list that `@listSize` names, apart from noise."""
        target = self._model.types.get(declared.base)
        sized = target and target.fields.get("nodeId")
        return sized.is_list if sized else target is not None and self._deviates()

    def _shares_all(self, dialect: Dialect, type_: Type) -> bool:
        """Whether the subgraph has `@shareable` on the type instead of on each field."""
        return type_.name in ("Money", "Place") and self._model.has("shareable types") and dialect.knows("shareable")

    def _is_key(self, dialect: Dialect, type_: Type, declared: Field) -> bool:
        keys = type_.keys.get(dialect.name, ())
        return any(declared.name in key.lstrip("!").split() for key in keys)

    def _input(self, dialect: Dialect, declared: Input, element: str) -> str:
        if declared.default.startswith("$"):
            from_context = dialect("fromContext", f'field: "{declared.default}"')
            return f"{declared.name}: {declared.type}{from_context}"
        default = declared.default
        if self._deviates():
            default = "" if default else default_of(self._choices, self._model, declared.type)
        written = f" = {default}" if default else ""
        described = self._description()
        type_ = self._type_with_noise(declared.type)
        return f"{described}{declared.name}: {type_}{written}{self._random_directives(dialect, element)}"

    def _type_with_noise(self, written: str) -> str:
        """The type; sometimes a similar one, as noise."""
        if not self._deviates():
            return written
        optional = written.removesuffix("!")
        return pick(self._choices, (optional, f"{optional}!", f"[{written}]", "Int"))

    def _as_interface_object(self, dialect: Dialect, interface: Type) -> str:
        if not dialect.knows("interfaceObject"):
            return ""
        field_name = f"by{''.join(filter(str.isalnum, f'{dialect.name}{interface.name}'))}"
        key = dialect("key", 'fields: "id"')
        return (
            f"type {interface.name}{key}{dialect('interfaceObject')}{self._random_directives(dialect, 'type', 6)} {{\n"
            f"  id: ID!\n  {field_name}: String{self._random_directives(dialect, 'field')}\n}}"
        )
