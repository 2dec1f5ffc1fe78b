"""Choose one option for each leaf, so that the plan costs least (planning §6.4).

The terms *leaf*, *option*, *hop*, *fetch start* and *stage* are defined in `router.planner.walk`. Further terms:

- *choice*: one option for each leaf, and the fetches that these options need.
- *inputs* of a hop: the leaves of the hop's key and requirements, each with the option that fetches the leaf.
- *option set*: the options of a leaf. Leaves with equal options share one option set.
- *assignment*: a choice as a tuple of numbers. For each option set, it has the index of the chosen option.
- *rank* of an assignment: a pair of numbers. The first number is the cost of the fetches without the cost of their
  fields. The second number is the number of fetches after merging. It is compared only if the first numbers are equal.
  A lower rank is better.
- *tie*: another choice with the same rank.
- *neighbour* of an assignment: a similar assignment, such as one with another option for a single option set.

*Problem.* Options share fetches, so the options of different leaves depend on each other. To find the best choice is a
set cover problem, which is NP-hard.

*Method.* First, a search finds an assignment with a low rank. The search begins with a greedy choice. If there are few
combinations of options, the search then tries all of them. Otherwise, the search moves from an assignment to a better
neighbour, until no neighbour is better. The inputs of the hops are chosen for each assignment. Then the ties are
compared by the cost of the whole plan, which includes the fields, and the cheapest plan is kept.

    leaf `id`:      options in a, b
    leaf `name`:    options in a, b, c
    leaf `size`:    option in c, by a hop with the key `id`

    first choice:   fetch from a, then from c       2 fetches, at stages 0 and 1
    second choice:  fetch from b, then from c       2 fetches, at stages 0 and 1: a tie, so the fields decide

Read in this order:

- `plan_cost`: the cost of fetches and plans.
- `choose_hop_inputs`: the inputs of the hops for the chosen options.
- `fetches_of_chosen_options`: the fetches of the chosen options.
- `choice_of_options`: the class of the result, `Choice`.
- `choose_options`: the function to call.
- `combination_search`: the search for the fewest fetches.
- `break_ties_by_plan_cost`, `try_other_leaf_options`, `try_other_hop_inputs`: the comparison of ties.
- `reuse_values_of_all_types`: no fetch for objects of one type repeats a fetch for all types.
- `explain_choice`: why a field is fetched from the chosen subgraph, for `router explain-plan`.
"""
