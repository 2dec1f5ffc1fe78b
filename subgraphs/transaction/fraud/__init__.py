"""Fraud decisions: whether an order continues, waits for a review, or is refused (docs/fraud.md).

```
transaction --> OrderFacts --> rules --> reads and writes of series --> windows (memory or Redis)
                                 |                                          |  not known: filled from the store
                                 '--------- judge <-------- readings -------'
                                              |
                                          Decision
```

Read in this order: `decision`, `order_facts`, `rules/rule.py` and a file of `rules/`, `windows/series.py`,
`windows/protocol.py`, `evaluation`, and `fraud_checks`, which the saga calls.

The rules are data: they are in `default_rules.yaml`, or in the file that `FRAUD_RULES` names. Their evaluation is pure.

The windows are a cache of the store of transactions. A window that was lost (by a restart, or because Redis lost its
data) is rebuilt from the store. So a rule never counts from zero.
"""
