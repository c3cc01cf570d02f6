"""What `inspect --json` tells of operations, writes, origins and backward passes, and its schema."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from tutor.contract.schema import Document


def operations(answer, line: int) -> list[dict[str, Any]]:
    return [op for step in answer.steps for op in step["operations"] if op["line"] == line]


def test_a_view_and_a_copy_are_told_apart_with_the_learners_words(inspect):
    answer = inspect("""\
        import torch
        x = torch.arange(6.).reshape(2, 3)
        y = x.T.reshape(6)
        """)
    turn, lay = operations(answer, 3)
    assert (turn["expression"], turn["name"], turn["verdict"], turn["of"]) == ("x.T", "T", "view", "x")
    assert turn["outs"][0]["stride"] == [1, 3]
    assert turn["outs"][0]["storage"] == turn["ins"][0]["storage"]
    assert (lay["expression"], lay["source"]) == (".reshape(6)", "x.T.reshape(6)")
    assert (lay["name"], lay["verdict"], lay["of"]) == ("reshape", "copy", "x.T")
    assert "no stride gives [6]" in lay["why"]
    tensors = answer.last["tensors"]
    assert lay["outs"][0]["storage"] == tensors["y"]["storage"] != tensors["x"]["storage"]
    assert lay["seq"] > turn["seq"]


def test_writes_name_the_elements_everybody_on_them_and_the_operation(inspect):
    answer = inspect("""\
        import torch
        x = torch.zeros(4)
        v = x[1:]
        v[1] = 7
        n = x.numpy()
        n[0] = 5
        """)
    (written,) = answer.steps[3]["written"]
    assert written["ranges"] == [[2, 3]]
    assert set(written["names"]) == {"x", "v"}
    (op,) = operations(answer, 4)
    assert written["operations"] == [op["seq"]]
    assert op["verdict"] == "in place"
    assert op["wrote"] == [{"name": "v", "argument": 0, "before": 0, "after": 1}]
    (through_numpy,) = answer.steps[5]["written"]
    assert (through_numpy["ranges"], through_numpy["operations"]) == ([[0, 1]], [])
    assert all(step["written"] == [] for step in answer.steps[:3])


def test_every_tensor_tells_the_operation_that_made_it(inspect):
    answer = inspect("""\
        import torch
        import numpy as np
        def double(t):
            return t * 2
        x = torch.ones(3, requires_grad=True)
        y = double(x)
        z = y
        y = y + 1
        y.sum().backward()
        y2 = double(x).sum()
        y2.backward()
        a = torch.from_numpy(np.zeros(2))
        lin = torch.nn.Linear(2, 2)
        """)
    tensors = answer.last["tensors"]
    made = {name: (t["provenance"]["line"], t["provenance"]["operation"]) for name, t in tensors.items()}
    assert made["x"] == (5, "ones")
    assert made["z"] == (4, "mul")
    assert made["y"] == (8, "add")
    assert made["x.grad"] == (9, "backward")
    assert made["a"][0] == 12
    assert tensors["lin.weight"]["provenance"]["within"].startswith("Linear")
    assert tensors["z"]["provenance"]["expression"] == "t * 2"
    assert tensors["x"]["passes"] == 2
    assert tensors["y"]["passes"] is None
    nodes = {node["name"]: node["made"] for node in answer.data["graphs"]["y"]["nodes"]}
    assert (nodes["AddBackward0"]["line"], nodes["MulBackward0"]["line"]) == (8, 4)
    assert nodes["AccumulateGrad"] is None


def test_a_backward_pass_is_told_node_by_node(inspect):
    answer = inspect("""\
        import torch
        w = torch.tensor([1., 2., 3.], requires_grad=True)
        h = w * w
        loss = h.sum()
        loss.backward()
        loss = (w ** 3).sum()
        loss.backward()
        """)
    first, second = answer.data["replay"]
    assert (first["line"], first["step"], first["call"], first["roots"]) == (5, 4, "backward", ["loss"])
    assert [node["name"] for node in first["nodes"]] == ["SumBackward0", "MulBackward0", "AccumulateGrad"]
    total, product, leaf = first["nodes"]
    assert total["incoming"][0]["values"] == ["1."]
    assert product["incoming"][0]["values"] == ["1.", "1.", "1."]
    assert [one["values"] for one in product["outgoing"]] == [["1.", "2.", "3."]] * 2
    assert product["followers"] == [leaf["node"]] * 2
    assert leaf["variable"] == "w"
    (grad,) = first["leaves"]
    assert (grad["name"], grad["before"], grad["after"], grad["passes"]) == ("w", None, [3], 1)
    (again,) = second["leaves"]
    assert (again["before"], again["in_place"], again["passes"]) == ([3], True, 2)
    graph = {node["number"] for node in answer.data["graphs"]["h"]["nodes"]}
    assert {product["node"], leaf["node"]} <= graph


@pytest.mark.parametrize(
    "code",
    [
        "",
        "import torch\nx = torch.ones(2, requires_grad=True)\nfor i in range(40): (x * i).sum().backward()",
        "import torch\nx = torch.ones(3)\nx.view(7)",
        "import torch\nx = torch.nn.Embedding(2, 2)(torch.tensor([[1, 5]]))",
        "import torch\nx = torch.tensor([float('inf'), float('nan')])\ntorch.multinomial(x, 1)",
        "1 +",
        "import torch, numpy as np\nx = np.ones(3)\nt = torch.from_numpy(x)[1:]\nt += float('nan')",
        "raise SystemExit(3)",
    ],
)
def test_the_object_is_what_the_schema_says_and_nothing_else(inspect, code):
    data = inspect(code).data
    read = msgspec.convert(data, Document)
    assert json.loads(msgspec.json.encode(read)) == data


def test_an_error_tells_the_call_that_failed(inspect):
    error = inspect("""\
        import torch
        from torch import nn
        net = nn.Sequential(nn.Linear(3, 2))
        x = torch.ones(1, 5)
        net(x)
        """).data["error"]
    failed = error["failed"]
    assert (failed["name"], failed["form"], failed["expression"]) == ("torch.nn.Linear", "module", "net(x)")
    assert failed["module"]["path"] == "net[0]"
    assert failed["module"]["settings"]["in_features"] == "3"
    (given,) = failed["arguments"]
    assert (given["parameter"], given["tensor"]["shape"]) == ("input", [1, 5])
    assert failed["inner"]["name"] == "torch.nn.functional.linear"
    assert inspect("1 / 0").data["error"]["failed"] is None


def test_the_schema_is_printed():
    command = [sys.executable, "-m", "tutor", "inspect", "--schema"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    schema = json.loads(done.stdout)
    assert schema["$ref"] == "#/$defs/Document"
    assert {"operations", "written", "tensors"} <= set(schema["$defs"]["StepObject"]["required"])
    described = schema["$defs"]["OperationObject"]["properties"]["expression"]
    assert "learner's words" in json.dumps(described)
