"""The choice: one option for each leaf, so that the plan costs least (planning §6.4).

In come leaves with options and what is left of the work budget; out comes a `Choice`: an option for each leaf, and the
fetches that follow from it.

*Problem.* Options share fetches, so they cannot be chosen one by one. The best choice is a set cover, which is NP-hard.

*Method.* First the fewest fetches, those in a row counted most: a greedy choice, then all combinations if they are few,
else single steps that lower the cost. A choice of options decides most keys too: a key with one way to fetch it is
fetched that way, and the others are read where it costs least. Then, between choices with equal fetches, the plan that
costs least with its fields.

    leaf id:      options in a, b      leaf name:    options in a, b, c      leaf size:    options in c by `id`

    a, then c     2 fetches, 2 in a row
    b, then c     2 fetches, 2 in a row       a tie: the fields decide

Read in this order:

- `cost`: the measure.
- `path_selection`: a set of chosen options, completed by the keys that they need.
- `fetch_costing`: the fetches of a set of options.
- `choice`, `choose_options`: the result, and how it is found.
- `combination_search`: the fewest fetches.
- `cheapest_choice`, `leaf_ties`, `key_ties`: between choices with equal fetches.
- `explanation`: why a field is fetched where it is, for `router explain-plan`.
"""
