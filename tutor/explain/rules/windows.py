"""Settings of convolutions and poolings that no window can have."""

from __future__ import annotations

from tutor.explain import calls, subjects, windows
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.wording import fill
from tutor.facts import Explanation, FailedCall, Snapshot, Step

_TITLE = "`{name}` is {value}, and must be {must}"
_TEXT = """
{made}. {shape} `{name}` is {value}, and must be {must}: {meaning}.
"""
_MEANINGS = {
    "kernel_size": "it says how many entries the window sees at a time",
    "stride": "it says how far the window moves from place to place",
    "padding": "it says how much is put around the input, and a window must see some of the input too",
    "dilation": "it says how far apart the entries are that the window sees",
    "groups": "it says into how many parts the channels are split",
    "output_padding": "it says how much is added to the output",
    "divisor_override": "the sum in each window is divided by it",
}
_GROUPS_TITLE = "`{name}` is {value}, which {groups} groups cannot share"
_GROUPS = """
`{code}` makes a layer with `groups={groups}`, and `{name}` is {value}. Each group has the same share of the
channels in and out, so `in_channels` and `out_channels` must both be multiples of `groups`.
"""


@failure
def window_settings(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when kernel, stride, padding, dilation or groups of a convolution or pooling cannot be."""
    for call in calls.chain(subjects.refused(step)):
        shared = _shared(call)
        if shared is not None:
            return shared
        wrong = windows.unfit(call)
        if wrong is None:
            continue
        given = subjects.input_of(call, step) if call.form != "class" else None
        fields = {"name": wrong.name, "value": wrong.value, "must": wrong.must}
        text = fill(
            _TEXT,
            made=subjects.layer_is(call),
            meaning=_MEANINGS[wrong.name],
            shape=f"{subjects.sentence(subjects.shape_of(given))}." if given is not None else "",
            **fields,
        )
        names = subjects.all_evidence(step, call)
        return Explanation("window-settings", "error", fill(_TITLE, **fields), text, None, names)
    return None


def _shared(call: FailedCall) -> Explanation | None:
    """Channels of a convolution that is made, which its groups cannot share."""
    groups = calls.number(calls.argument(call, "groups")) if call.form == "class" else None
    if groups is None or groups < 1:
        return None
    for name in ("in_channels", "out_channels"):
        value = calls.number(calls.argument(call, name))
        if value is not None and value % groups:
            fields = {"name": name, "value": value, "groups": groups}
            text = fill(_GROUPS, code=subjects.code_of(call), **fields)
            return Explanation("window-settings", "error", fill(_GROUPS_TITLE, **fields), text, None, ())
    return None
