"""Internal aliases for fields that a subgraph would refuse: one response key, different types."""

from __future__ import annotations

from router.plan import Key, KeyRenamer, TypeIs
from router.planner.fetch.conflicting_field_aliases import without_conflicts
from router.planner.fetch.selection_trees import Tree, TreeField
from router.planner.normalise.skip_and_include_guards import ALWAYS
from tests.router.planner.federation import composed

SUBGRAPH = composed(
    a="""
      type Query { any: Any }
      union Any = User | Admin
      type User { id: ID! name: String best: User }
      type Admin { id: ID name: String best: Admin }
    """
).subgraphs["a"]


def leaf(key: str, name: str | None = None) -> TreeField:
    return TreeField(key, name or key, name or key, (), ALWAYS)


def of(**fields: TreeField) -> Tree:
    """One field for each type."""
    return Tree(fragments=tuple((type_name, Tree((field,))) for type_name, field in fields.items()))


def test_fields_of_one_type_keep_their_key() -> None:
    tree = of(User=leaf("name"), Admin=leaf("name"))
    assert without_conflicts(SUBGRAPH, "Any", tree) == (tree, ())


def test_of_fields_of_different_types_the_second_gets_an_alias() -> None:
    tree, renames = without_conflicts(SUBGRAPH, "Any", of(User=leaf("id"), Admin=leaf("id")))
    (_, user), (_, admin) = tree.fragments
    assert (user.fields[0].key, admin.fields[0].key) == ("id", "id__alias_0")
    assert renames == (KeyRenamer((TypeIs(("Admin",)), Key("id__alias_0")), "id"),)
    assert (user.is_abstract, admin.is_abstract) == (False, True), "a rename by type needs the type"


def test_a_conflict_below_one_response_key_is_found_too() -> None:
    best = [TreeField("best", "best", "best", (), ALWAYS, Tree((leaf("id"),))) for _ in range(2)]
    tree, renames = without_conflicts(SUBGRAPH, "Any", of(User=best[0], Admin=best[1]))
    below = tree.fragments[1][1].fields[0].tree
    assert below is not None
    assert [field.key for field in below.fields] == ["id__alias_0"]
    assert renames == (KeyRenamer((TypeIs(("Admin",)), Key("best"), Key("id__alias_0")), "id"),)


def test_different_fields_of_one_object_get_different_keys() -> None:
    tree = Tree((leaf("x", "id"), leaf("x", "name")))
    aliased, renames = without_conflicts(SUBGRAPH, "User", tree)
    assert [field.key for field in aliased.fields] == ["x", "x__alias_0"]
    assert renames == (KeyRenamer((Key("x__alias_0"),), "x"),)
