"""Value types and values: between their JSON forms (diff/PROTOCOL.md) and those of definitions.py.

definitions.py has integers, booleans, strings as (text, encoding, tagged code units), lists, records and tuples as
{label: value}, variants as {label: payload}, the reps of resources, and for streams and futures the object that both
ends share. The host holds ends of these under a name; who converts says how a name becomes the object and the object a
name.
"""

from functools import cache

PLAIN = {"bool": "BoolType", "u8": "U8Type", "u16": "U16Type", "u32": "U32Type", "u64": "U64Type", "s8": "S8Type",
         "s16": "S16Type", "s32": "S32Type", "s64": "S64Type", "string": "StringType"}
U32 = 2**32 - 1


def cores(values):
    """Core values in JSON: numbers, those of 2^32 and more in hexadecimal."""
    return [value if value <= U32 else hex(value) for value in values]


class Values:
    def __init__(self, module, resource_types):
        self.module = module
        self.resource_types = resource_types
        self.forms = forms(module)
        self.plain = plain(module)

    # Types.

    def type(self, description):
        """The type with this JSON form; None for null."""
        module = self.module
        if description is None:
            return None
        if isinstance(description, str):
            return self.plain[description]
        [(kind, inside)] = description.items()
        match kind:
            case "list":
                return module.ListType(self.type(inside))
            case "tuple":
                return module.TupleType(self.types(inside))
            case "record":
                return module.RecordType([module.FieldType(f"f{i}", t) for i, t in enumerate(self.types(inside))])
            case "option":
                return module.OptionType(self.type(inside))
            case "result":
                return module.ResultType(*self.types(inside))
            case "variant":
                return module.VariantType([module.CaseType(f"c{i}", t) for i, t in enumerate(self.types(inside))])
            case "own":
                return module.OwnType(self.resource_types[inside])
            case "borrow":
                return module.BorrowType(self.resource_types[inside])
            case "stream":
                return module.StreamType(self.type(inside))
            case "future":
                return module.FutureType(self.type(inside))

    def types(self, descriptions):
        return [self.type(description) for description in descriptions]

    def results(self, description):
        """The list that definitions.py wants for the result of a function: empty or one type."""
        result = description.get("result")
        return [] if result is None else [self.type(result)]

    def func_type(self, description):
        return self.module.FuncType(self.types(description.get("params", ["u32"])), self.results(description),
                                    async_=description.get("async", False))

    # Values.

    def read(self, t, value, take):
        """A value of definitions.py; `take` gives the shared object of an end by its name."""
        return self.forms[type(t)][0](self, t, value, take)

    def show(self, t, value, name):
        """The JSON form; `name` gives a name to the shared object of an end."""
        return self.forms[type(t)][1](self, t, value, name)

    def zero(self, t):
        """The JSON of what a host function returns that has no script."""
        return self.forms[type(t)][2](self, t)

    def fits(self, t, value):
        """Whether this JSON is that of a value of the type."""
        module = self.module
        limits = ranges(module).get(type(t))
        if limits:
            if isinstance(value, dict) and value.keys() == {"int"}:
                value = int(value["int"])
            return isinstance(value, int) and limits[0] <= value <= limits[1]
        t = module.despecialize(t)
        match t:
            case module.StringType():
                return isinstance(value, str)
            case module.ListType():
                return isinstance(value, list) and all(self.fits(t.t, element) for element in value)
            case module.RecordType():
                return (isinstance(value, list) and len(value) == len(t.fields)
                        and all(self.fits(field.t, element) for field, element in zip(t.fields, value)))
            case module.VariantType():
                if not isinstance(value, dict) or not value.get("case", len(t.cases)) < len(t.cases):
                    return False
                case = t.cases[value["case"]]
                return "value" not in value if case.t is None else "value" in value and self.fits(case.t, value["value"])
            case module.OwnType() | module.BorrowType():
                return isinstance(value, dict) and "rep" in value
        return isinstance(value, dict) and "end" in value

    def read_integer(self, t, value, take):
        return int(value["int"]) if isinstance(value, dict) else value

    def show_integer(self, t, value, name):
        return value if -2**31 <= value <= U32 else {"int": str(value)}

    def read_string(self, t, value, take):
        return value, "utf8", len(value.encode())

    def read_list(self, t, value, take):
        return [self.read(t.t, element, take) for element in value]

    def show_list(self, t, value, name):
        return [self.show(t.t, element, name) for element in value]

    def read_record(self, t, value, take):
        fields = self.module.despecialize(t).fields
        return {field.label: self.read(field.t, element, take) for field, element in zip(fields, value)}

    def show_record(self, t, value, name):
        return [self.show(field.t, value[field.label], name) for field in self.module.despecialize(t).fields]

    def zero_record(self, t):
        return [self.zero(field.t) for field in self.module.despecialize(t).fields]

    def read_case(self, t, value, take):
        case = self.module.despecialize(t).cases[value["case"]]
        return {case.label: None if case.t is None else self.read(case.t, value["value"], take)}

    def show_case(self, t, value, name):
        cases = self.module.despecialize(t).cases
        index, payload = self.module.match_case(value, cases)
        if cases[index].t is None:
            return {"case": index}
        return {"case": index, "value": self.show(cases[index].t, payload, name)}

    def zero_case(self, t):
        first = self.module.despecialize(t).cases[0]
        return {"case": 0} if first.t is None else {"case": 0, "value": self.zero(first.t)}


@cache
def plain(module):
    return {name: getattr(module, type_name)() for name, type_name in PLAIN.items()}


@cache
def ranges(module):
    """The smallest and the largest value of each integer type; bool is 0 or 1 in JSON."""
    out = {module.BoolType: (0, 1)}
    for bits in (8, 16, 32, 64):
        out[getattr(module, f"U{bits}Type")] = (0, 2**bits - 1)
        out[getattr(module, f"S{bits}Type")] = (-2**(bits - 1), 2**(bits - 1) - 1)
    return out


@cache
def forms(module):
    """By class of the type: the methods that read and show a value, and that give a zero."""
    integer = (Values.read_integer, Values.show_integer, lambda values, t: 0)
    record = (Values.read_record, Values.show_record, Values.zero_record)
    variant = (Values.read_case, Values.show_case, Values.zero_case)
    rep = (lambda values, t, v, take: v["rep"], lambda values, t, v, name: {"rep": v}, lambda values, t: {"rep": 0})
    end = (lambda values, t, v, take: take(v["end"]), lambda values, t, v, name: {"end": name(v)}, None)
    return {
        module.BoolType: (lambda values, t, v, take: bool(v), lambda values, t, v, name: int(v), lambda values, t: 0),
        module.U8Type: integer, module.U16Type: integer, module.U32Type: integer, module.U64Type: integer,
        module.S8Type: integer, module.S16Type: integer, module.S32Type: integer, module.S64Type: integer,
        module.StringType: (Values.read_string, lambda values, t, v, name: v[0], lambda values, t: ""),
        module.ListType: (Values.read_list, Values.show_list, lambda values, t: []),
        module.TupleType: record, module.RecordType: record,
        module.OptionType: variant, module.ResultType: variant, module.VariantType: variant,
        module.OwnType: rep, module.BorrowType: rep,
        module.StreamType: end, module.FutureType: end,
        # What a stream or future without an element type carries.
        type(None): (lambda values, t, v, take: (), lambda values, t, v, name: 0, None),
    }
