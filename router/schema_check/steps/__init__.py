"""Steps of a schema check beside the diff: `broken_operations`, `contracts`, `plan_costs`. Each returns `StepFinding`s.

`run_check` (in `run_check`) runs the diff and all steps that the policy switches on.
"""
