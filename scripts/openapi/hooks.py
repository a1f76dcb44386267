"""Sends `json` as the document says it is sent.

Schemathesis writes a form's values by their `style`, where OpenAPI asks for their `contentType`, and
some values of a parameter with `content` twice.
"""

import json

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.media_type == "application/x-www-form-urlencoded" and isinstance(case.body, dict):
        value = case.body.get("json")
        if isinstance(value, (dict, list)):
            case.body = {**case.body, "json": json.dumps(value)}
    if isinstance(case.query.get("json"), str):
        case.query["json"] = once(case.query["json"])


def once(text):
    """`text`, or the array or object that the string in it is the text of."""
    try:
        inner = json.loads(text)
        if isinstance(inner, str) and isinstance(json.loads(inner), (dict, list)):
            return inner
    except ValueError:
        pass
    return text


LISTS = ("recent_interactions", "exclusion_items", "data_key", "dimensions")


@schemathesis.hook
def filter_case(context, case):
    """Leaves out what is wrong by its type and right as it is written in a form.

    There a value alone is a list of one, and blank entries count for nothing.
    """
    if case.media_type != "application/x-www-form-urlencoded" or not isinstance(case.body, dict):
        return True
    lists = [case.body[name] for name in LISTS if name in case.body]
    return all(isinstance(value, list) and has_no_blank(value) for value in lists)


def has_no_blank(entries):
    return entries == [] or "" not in ",".join(map(str, entries)).split(",")
