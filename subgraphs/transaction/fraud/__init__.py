"""Fraud decisions: whether an order goes on, waits for a review, or is refused (docs/fraud.md).

```
transaction --> OrderFacts --> rules --> reads and writes of series --> windows (memory or Redis)
                                 |                                          |  not known: filled from the store
                                 '--------- judge <-------- readings -------'
                                              |
                                          Decision
```

Read in this order: `decision`, `order_facts`, `rules/rule.py` and a file of `rules/`, `windows/series.py`,
`windows/protocol.py`, `evaluation`, and `fraud_checks`, which the saga calls.

The rules are data: `default_rules.yaml` or the file that `FRAUD_RULES` names. They and the evaluation are pure. The
windows are a cache of the store of transactions: a window that is not there is rebuilt, so neither a restart nor a lost
Redis makes a rule count from zero.
"""
