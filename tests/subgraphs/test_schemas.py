"""The schemas of the three subgraphs together.

Covers `subgraphs/kit/descriptions.py`.
"""

from __future__ import annotations

from collections import defaultdict

from graphql import (
    InputValueDefinitionNode,
    NamedTypeNode,
    NonNullTypeNode,
    TypeDefinitionNode,
    TypeNode,
    Visitor,
    parse,
    visit,
)

from subgraphs.account import schema as account
from subgraphs.auth import schema as auth
from subgraphs.transaction import schema as transaction


def test_types_of_several_subgraphs_have_one_description() -> None:
    descriptions: dict[str, list[str]] = defaultdict(list)
    for module in (auth, account, transaction):
        for definition in parse(module.sdl()).definitions:
            if isinstance(definition, TypeDefinitionNode) and definition.description is not None:
                descriptions[definition.name.value].append(definition.description.value)
    shared = {name: set(texts) for name, texts in descriptions.items() if len(texts) > 1}
    assert shared.keys() >= {"Query", "Mutation", "User", "Account", "InvalidAccount", "PageInfo"}
    assert {name: texts for name, texts in shared.items() if len(texts) > 1} == {}


# These texts are compared with stored ones. A text outside any range is unknown, not malformed.
COMPARED = {
    "AddPasskeyInput.challenge",
    "AuditLogFilter.action",
    "AuditLogFilter.actorId",
    "AuditLogFilter.outcome",
    "AuditLogFilter.subjectId",
    "ChangeEmailInput.currentPassword",
    "ChangePasswordInput.currentPassword",
    "CompleteLoginInput.assertion",
    "CompleteLoginInput.challenge",
    "CompleteLoginInput.recoveryCode",
    "ConfirmAuthenticatorAppInput.challenge",
    "EndSessionInput.id",
    "LoginInput.email",
    "LoginInput.password",
    "RefreshInput.refreshToken",
    "RemovePasskeyInput.id",
    "RenamePasskeyInput.id",
    "RenameSessionInput.id",
    "RequestPasswordResetInput.email",
    "ResetPasswordInput.token",
    "RevokeApiKeyInput.id",
    "RotateApiKeyInput.id",
    "StepUpInput.assertion",
    "StepUpInput.challenge",
    "StepUpInput.password",
    "StepUpInput.recoveryCode",
    "UserInput.userId",
    "UserRoleInput.userId",
    "VerifyEmailInput.token",
}


class Ranged(Visitor):
    """Collects the description of each argument and input field whose type admits more values than the bank does."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}

    def enter_input_value_definition(self, node: InputValueDefinitionNode, *place: object) -> None:
        if named(node.type) in {"Int", "ID", "String"} and node.description is not None:
            *_, ancestors = place
            assert isinstance(ancestors, list)
            parents = [each.name.value for each in ancestors if hasattr(each, "name")]
            self.texts[".".join([*parents, node.name.value])] = node.description.value


def named(type_: TypeNode) -> str | None:
    inner = type_.type if isinstance(type_, NonNullTypeNode) else type_
    return inner.name.value if isinstance(inner, NamedTypeNode) else None


def test_the_description_of_an_input_says_which_values_are_accepted() -> None:
    """GraphQL's types have no ranges, so a client (and a fuzzer) learns them from the descriptions."""
    ranged = Ranged()
    for module in (auth, account, transaction):
        visit(parse(module.sdl()), ranged)
    assert ranged.texts.keys() >= COMPARED | {"Query.accounts.first", "Account.transactions.before", "PayInput.payee"}
    silent = {
        place
        for place, text in ranged.texts.items()
        if place not in COMPARED and "cursor" not in text and not any(character.isdigit() for character in text)
    }
    assert silent == set()
