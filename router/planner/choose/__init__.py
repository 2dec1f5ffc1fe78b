"""Choose one option for each leaf, so that the plan costs least (planning §6.4).

The terms *leaf*, *option*, *hop*, *fetch start* and *stage* are defined in `router.planner.walk`. Further terms:

- *choice*: one option for each leaf, and the fetches that follow from these options.
- *inputs* of a hop: the leaves of its key and requirements, each with the option that fetches the leaf.
- *assignment*: a choice as numbers: the index of the chosen option in each set of options.
- *tie*: another choice with equally many fetches at the same stages.

*Problem.* Options share fetches, so the options of different leaves depend on each other. The best choice is a set
cover, which is NP-hard.

*Method.* First find the fewest fetches, with later stages more expensive: a greedy choice, then all combinations if
there are few, else changes of single leaves and fetches that lower the cost. The inputs of hops are chosen with it.
Then, among ties, find the plan that costs least with its fields.

    leaf id:      options in a, b      leaf name:    options in a, b, c      leaf size:    options in c by `id`

    a, then c     2 fetches, stages 0 and 1
    b, then c     2 fetches, stages 0 and 1       a tie: the number of fields decides

Read in this order:

- `plan_cost`: the cost of fetches and plans.
- `chosen_paths`: the chosen options, completed by the inputs of their hops.
- `chosen_fetches`: the fetches of the chosen options.
- `choice`, `choose_options`: the result and the entry point.
- `combination_search`: the search for the fewest fetches.
- `cheapest_choice`, `leaf_tie_breaking`, `key_tie_breaking`: the comparison of ties.
- `explanation`: why a field is fetched from its subgraph, for `router explain-plan`.
"""
