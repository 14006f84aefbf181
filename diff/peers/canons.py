"""The core functions of canon definitions: each takes its operands and returns the list of its results, by the code of
definitions.py alone.
"""
from functools import partial

MAX_FLAT_PARAMS, MAX_FLAT_ASYNC_PARAMS, MAX_FLAT_RESULTS = 16, 4, 1
U32 = 2**32 - 1


def core_function(instance, description):
    """The core function of a canon definition in this instance."""
    module, values = instance.case.spec.module, instance.case.values
    kind = description["canon"]
    function = getattr(module, "canon_" + kind.replace(".", "_").replace("-", "_"), None)
    cancellable = description.get("cancellable", False)
    match kind:
        case "call":
            return lowered(instance, description)
        case "context.get" | "context.set":
            return partial(function, description.get("index", "i32"), description.get("slot", 0))
        case "task.return":
            result, options = values.results(description), module.LiftOptions(**memory_options(instance, description))
            return lambda *flat_args: function(result, options, list(flat_args))
        case "waitable-set.wait" | "waitable-set.poll":
            return partial(function, cancellable, instance.memory(description.get("memory")))
        case "subtask.cancel":
            return partial(function, description.get("async", False))
        case ("thread.yield" | "thread.suspend" | "thread.suspend-then-resume" | "thread.yield-then-resume" |
              "thread.suspend-then-promote" | "thread.yield-then-promote"):
            return partial(function, cancellable)
        case "thread.new-indirect":
            core_type = module.CoreFuncType([description.get("index", "i32")], [])
            return partial(function, core_type, instance.table(description["table"]))
        case "resource.new" | "resource.rep" | "resource.drop":
            return partial(function, values.resource_types[description["resource"]])
        case "error-context.new" | "error-context.debug-message":
            return partial(function, lift_lower_options(instance, description))
    if kind.startswith(("stream.", "future.")):
        type_ = module.StreamType if kind.startswith("stream.") else module.FutureType
        function = partial(function, type_(values.type(description.get("element"))))
        match kind.partition(".")[2]:
            case "new":
                return lambda: two_results(function())
            case "read" | "write":
                return partial(function, canonical_options(instance, description))
            case "cancel-read" | "cancel-write":
                return partial(function, description.get("async", False))
    return function


def two_results(results):
    [both] = results
    return [both & U32, both >> 32]


# Options, from the description of a canon definition or of a function.

def memory_options(instance, description):
    memory = instance.memory(description.get("memory"))
    return {"string_encoding": description.get("encoding", "utf8"), "memory": memory}


def realloc_options(instance, description):
    options = memory_options(instance, description)
    memory = options["memory"]

    def realloc(args):
        [pointer] = instance.realloc(args)
        return [pointer & U32 if memory.addrtype == "i32" else pointer]

    return options | {"realloc": realloc if description.get("realloc") else None}


def lift_lower_options(instance, description):
    return instance.case.spec.module.LiftLowerOptions(**realloc_options(instance, description))


def canonical_options(instance, description):
    return instance.case.spec.module.CanonicalOptions(
        **realloc_options(instance, description), async_=description.get("async", False))


# Calls.

def lowered(instance, description):
    """The core function of a call: takes token and operands."""
    case, module = instance.case, instance.case.spec.module
    if "function" in description:
        callee = case.functions[description["function"]]
    else:
        callee = case.host.functions[description["host-function"]]
    options = canonical_options(instance, description)
    function = case.store.lower(callee.func_inst, callee.type, options, instance.inst)
    params, result = callee.type.param_types(), callee.type.result_type()
    params_in_memory = (
        len(module.flatten_types(params, options)) > (MAX_FLAT_ASYNC_PARAMS if options.async_ else MAX_FLAT_PARAMS))
    result_in_memory = len(module.flatten_types(result, options)) > (0 if options.async_ else MAX_FLAT_RESULTS)
    if params_in_memory:
        words = (module.elem_size(module.TupleType(params), options.memory.ptr_type()) + 3) // 4

    def call(token, *operands):
        flat_args = [token, *operands]
        if params_in_memory:
            area = flat_args[words]
            store_words(options.memory, area, flat_args[:words])
            flat_args = [area, flat_args[-1]] if result_in_memory else [area]
        case.spec.calling = token
        return function(flat_args)

    return call


def store_words(memory, address, words):
    """What core code does before the call, if all of it lies in memory."""
    if address + 4 * len(words) <= len(memory):
        memory[address:address + 4 * len(words)] = b"".join((word & U32).to_bytes(4, "little") for word in words)
