"""Makes the authentication stage if the settings configure a credential."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.policies.authentication.authentication_stage import Authentication
    from router.policies.policy_setup import PolicySetup


def configured(inputs: PolicySetup) -> Authentication | None:
    """Return the authentication stage, or None if the settings have no issuer of tokens and no API keys.

    Raises:
        PolicySetupError: A file or a function of the settings cannot be used.
    """
    if not inputs.settings.authentication.is_configured:
        return None
    from router.policies.authentication.authentication_stage import Authentication  # noqa: PLC0415  (the library of signatures takes long to import)

    return Authentication(inputs.settings.authentication, tuple(inputs.supergraph.subgraphs))
