"""Execute a plan with Python code that is generated for this plan (execution §3.11).

The generated code gives the same results as the interpreter (`router.executor.interpreter`), but takes less time.

The input is an operation and its plan. The output is Python source text with classes and functions. Responses of
subgraphs are decoded into objects of these classes. The functions collect the objects to send to a subgraph, place the
fetched fields in the objects, and finish the objects for the client. `router plan --compiled` prints the source text.

A plan passes through four steps. Read the modules in this order:

1. `response_shape`, `client_shape`, `fetch_shapes`, `representation_shapes`: find the objects and fields of a response.
   `interfaces_in_typename`, `find_context_ancestors` and `choose_fetch_that_creates_objects` find what some plans need
   besides. `extra_fields` finds fields that subgraphs send without being asked for them.
2. `generate_...`: generate the source text of the classes and functions.
3. `compile_plan`, `compiled_requests`: create the classes and functions, the request bodies and the decoders.
4. `execution`, `recorded_responses`: execute the plan for one request.

The modules `generate_...` have no side effects: they take shapes and return text. If they do not support a plan, they
raise `NotCompilable`, and the interpreter executes the plan. If a response does not have the form that the generated
code expects (a *misfit*), the code raises `Misfit`, or the decoder raises an error. The interpreter then executes the
plan, and uses the responses that have already arrived.
"""
