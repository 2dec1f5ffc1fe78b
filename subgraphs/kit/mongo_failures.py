"""Distinguishes failures of a MongoDB server from bugs of this program, and explains failures to operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pymongo import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymongo.topology_description import TopologyDescription

_REFUSED: Final = "refuses the user name or the password; correct the URL, or create the user"
# Maps error codes of the server to explanations: 13 is Unauthorized, 18 AuthenticationFailed, and 8000 AtlasError.
_REASONS: Final[Mapping[int | None, str]] = {
    13: "does not allow this user to use the database; give it a user, or grant its user the role readWrite",
    18: _REFUSED,
    8000: _REFUSED,
}
_MAX_LENGTH: Final = 300


def is_failure(error: errors.PyMongoError) -> bool:
    """Whether the server cannot be reached, is too slow or refuses this service.

    Otherwise, the error is a bug of this program.
    """
    if isinstance(error, errors.ConnectionFailure) or error.timeout:
        return True
    if error.has_error_label("TransientTransactionError") or error.has_error_label("UnknownTransactionCommitResult"):
        return True
    return _code(error) in _REASONS


def explain(error: errors.PyMongoError, topology: TopologyDescription) -> str:
    """Return one line for operators: which server, what is wrong with it, and what to do. It contains no password."""
    servers = ", ".join(f"{host}:{port}" for host, port in sorted(topology.server_descriptions())) or "no server"
    return f"{servers} {_reason(error, topology)}"


def _reason(error: errors.PyMongoError, topology: TopologyDescription) -> str:
    by_code = _REASONS.get(_code(error))
    if by_code is not None:
        return by_code
    if isinstance(error, errors.ServerSelectionTimeoutError):
        kinds = {server.server_type_name for server in topology.server_descriptions().values()}
        if "RSGhost" in kinds:
            return "was started with --replSet but belongs to no replica set; run rs.initiate() once"
        if kinds & {"RSSecondary", "RSOther"}:
            return f"of the replica set {topology.replica_set_name} have no primary; look at rs.status()"
    if isinstance(error, errors.ConnectionFailure) or error.timeout:
        return "does not respond; check the address, and that mongod runs"
    return f"answers: {str(error).splitlines()[0][:_MAX_LENGTH]}"


def _code(error: errors.PyMongoError) -> int | None:
    return error.code if isinstance(error, errors.OperationFailure) else None
