"""Where a GPU refuses, the simulated device does, in torch's words."""

from __future__ import annotations

TWO = "Expected all tensors to be on the same device, but found at least two devices, sim:0 and cpu!"


def got(argument, there, common, method):
    return (
        f"Expected all tensors to be on the same device, but got {argument} is on {there}, different from "
        f"other tensors on {common} (when checking argument in method wrapper_CUDA_{method})"
    )


ARRAY = "can't convert sim:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory"
#: `s` and `h` are (2, 3) tensors on the device and on the host; None where a GPU takes them.
CASES = {
    "s + h": TWO,
    "h + s": TWO,
    "h += s": TWO,
    "s += h": TWO,
    "s == h": TWO,
    "torch.where(s > 0, s, h)": TWO,
    "torch.add(s, s, out=h)": TWO,
    "h + s.sum()": TWO,
    "F.mse_loss(s, h)": TWO,
    "s + h.sum()": None,
    "s + torch.tensor(2.0)": None,
    "torch.where(s > 0, s, torch.tensor(0.0))": None,
    "s @ h.t()": got("mat2", "cpu", "sim:0", "mm"),
    "h @ s.t()": got("mat2", "sim:0", "cpu", "mm"),
    "torch.bmm(s[None], h.t()[None])": got("mat2", "cpu", "sim:0", "bmm"),
    "torch.dot(s[0], h[0])": got("tensor", "cpu", "sim:0", "_dot"),
    "torch.cat([s, h])": got("tensors", "cpu", "sim:0", "cat"),
    "nn.Linear(3, 2)(s)": got("mat1", "sim:0", "cpu", "addmm"),
    "nn.Linear(3, 2).to('sim')(h)": got("mat1", "cpu", "sim:0", "addmm"),
    "nn.LayerNorm(3)(s)": got("weight", "cpu", "sim:0", "_native_layer_norm"),
    "nn.Embedding(5, 3).to('sim')(torch.tensor([1]))": got("index", "cpu", "sim:0", "_index_select"),
    "F.cross_entropy(s, torch.tensor([0, 1]))": got("target", "cpu", "sim:0", "nll_loss_forward"),
    "s.gather(1, torch.zeros(2, 1, dtype=torch.long))": got("index", "cpu", "sim:0", "gather"),
    "nn.Conv2d(1, 2, 2).to('sim')(h[None, None])": (
        "Input type (torch.FloatTensor) and weight type (torch.sim.FloatTensor) should be the same or input "
        "should be a MKLDNN tensor and weight is a dense tensor"
    ),
    "nn.Conv2d(1, 2, 2)(s[None, None])": (
        "Input type (torch.sim.FloatTensor) and weight type (torch.FloatTensor) should be the same"
    ),
    "nn.LSTM(3, 2)(s)": (
        "Input and parameter tensors are not at the same device, found input tensor at sim:0 and "
        "parameter tensor at cpu"
    ),
    "s[torch.tensor([0, 1])]": None,
    "s[torch.tensor([True, False])]": None,
    "s[torch.tensor([0])] = 1.0": None,
    "s[torch.tensor([0, 1])] = h": TWO,
    "s[0] = h[0]": None,
    "s.copy_(h)": None,
    "h[torch.tensor([0], device='sim')]": (
        "indices should be either on cpu or on the same device as the indexed tensor (cpu)"
    ),
    "s.masked_fill(h > 0, 1.0)": (
        "expected self and mask to be on the same device, but got mask on cpu and self on sim:0"
    ),
    "s.numpy()": ARRAY,
    "np.asarray(s)": ARRAY,
    "np.array(s)": ARRAY,
    "s.numpy(force=True)": None,
    "s.pin_memory()": "cannot pin 'sim",
}


def test_each_mixture_is_refused_in_the_words_for_it_or_taken(child):
    answers = child(
        f"""
        import numpy as np
        from torch import nn
        import torch.nn.functional as F
        answers = {{}}
        for case in {list(CASES)!r}:
            space = dict(globals(), s=torch.ones(2, 3, device="sim"), h=torch.ones(2, 3))
            try:
                exec(case, space)
                answers[case] = None
            except (RuntimeError, TypeError) as error:
                answers[case] = str(error)
        tell(answers)
        """
    )
    wrong = {
        case: answers[case]
        for case, words in CASES.items()
        if (answers[case] is None) != (words is None) or not (answers[case] or "").startswith(words or "")
    }
    assert wrong == {}


def test_state_left_on_the_host_is_refused(child):
    errors = child(
        """
        def step_after_moving(optimizer, **options):
            model = torch.nn.Linear(3, 2)
            optimizer = getattr(torch.optim, optimizer)(model.parameters(), **options)
            model(torch.ones(1, 3)).sum().backward()
            optimizer.step()
            model.to("sim")
            optimizer.zero_grad()
            model(torch.ones(1, 3, device="sim")).sum().backward()
            try:
                optimizer.step()
            except RuntimeError as error:
                return str(error)
        tell({
            "SGD": step_after_moving("SGD", momentum=0.9),
            "Adam": step_after_moving("Adam"),
            "AdamW": step_after_moving("AdamW"),
            "RMSprop": step_after_moving("RMSprop", momentum=0.9),
        })
        """
    )
    assert [name for name, error in errors.items() if "same device" not in (error or "")] == []
