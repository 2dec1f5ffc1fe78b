"""The result of a backtest as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subgraphs.transaction.fraud.decision import Action

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from subgraphs.transaction.fraud.backtest import BacktestResult


def as_document(result: BacktestResult) -> dict[str, object]:
    """Return the JSON form. `fraud` and `legitimate` count labelled orders only."""
    confusion = result.confusion
    return {
        "rulesVersion": result.rules_version,
        "orders": result.orders,
        "fraud": result.labelled(True),  # noqa: FBT003 - a label
        "legitimate": result.labelled(False),  # noqa: FBT003 - a label
        "actions": [
            {"action": action.value, "orders": total, "fraud": fraud, "legitimate": legitimate}
            for action, total, fraud, legitimate in _by_action(result)
        ],
        "rules": [
            {
                "rule": rule.name,
                "kind": rule.kind,
                "shadow": rule.shadow,
                "hits": rule.hits.total(),
                "fraud": rule.hits[True],
                "legitimate": rule.hits[False],
                "alone": rule.alone,
            }
            for rule in result.rules.values()
        ],
        "confusion": {
            "flaggedFraud": confusion.flagged_fraud,
            "allowedFraud": confusion.allowed_fraud,
            "flaggedLegitimate": confusion.flagged_legitimate,
            "allowedLegitimate": confusion.allowed_legitimate,
            "precision": confusion.precision,
            "recall": confusion.recall,
        },
    }


def as_text(result: BacktestResult) -> str:
    """Return tables for a terminal. If no order has a label, the confusion matrix is left out."""
    labelled = result.labelled(True) + result.labelled(False)  # noqa: FBT003 - labels
    parts = [
        [f"{result.orders} orders, {labelled} of them labelled; rules {result.rules_version}"],
        _table(["action", "orders", "fraud", "legitimate"], [[a.value, o, f, g] for a, o, f, g in _by_action(result)]),
        _table(
            ["rule", "hits", "fraud", "legitimate", "alone"],
            [
                [
                    f"{rule.name} (shadow)" if rule.shadow else rule.name,
                    rule.hits.total(),
                    rule.hits[True],
                    rule.hits[False],
                    rule.alone,
                ]
                for rule in result.rules.values()
            ],
        ),
    ]
    if labelled:
        confusion = result.confusion
        rows: list[Sequence[object]] = [
            ["fraud", confusion.flagged_fraud, confusion.allowed_fraud],
            ["legitimate", confusion.flagged_legitimate, confusion.allowed_legitimate],
        ]
        parts.append(_table(["label", "flagged", "allowed"], rows))
        parts.append([f"precision {_percent(confusion.precision)}, recall {_percent(confusion.recall)}"])
    return "\n\n".join("\n".join(part) for part in parts)


def _by_action(result: BacktestResult) -> Iterator[tuple[Action, int, int, int]]:
    for action in Action:
        by_label = [result.actions[action, label] for label in (None, True, False)]
        yield action, sum(by_label), by_label[1], by_label[2]


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the lines of a table. The first column is aligned to the left, and all others to the right."""
    texts = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in texts
    ]


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.1f} %"
