"""Execute a plan by code that is generated for it, with the results of the interpreter (execution §3.11).

In: an operation and its plan. Out: classes into which responses are decoded, and functions that collect, place and
finish objects. `router plan --compiled` prints them.

    operation ─> client_shape ─> fetch_shapes ─> representation_shapes      what is in the response, and who brings it
    shapes ─> class_source, response_source                                 the classes, checked while decoding
           ─> collect_source, place_source, finish_source                   the functions, with the loops of walk_source
    source ─> program ─> request_forms                                      compiled functions, bodies and decoders
    program ─> execution ─> recorded_responses                              what runs for a request

The generators are pure: they take shapes and return text. What they cannot express raises `NotCompilable`; a response
that does not fit raises `Misfit` or an error of the decoder, and the interpreter goes on with the same responses.
"""
