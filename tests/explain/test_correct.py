"""On correct code there is nothing but notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.explain.programs import PROGRAMS
from tutor.course.loader import load_lesson
from tutor.course.walk import prologue, step_code

LESSONS = sorted((Path(__file__).parents[2] / "lessons").glob("*.yaml"))

CORRECT = {
    "linear regression by hand": """
        x = torch.linspace(0, 1, 20)
        y = 3 * x + 1
        w = torch.zeros(1, requires_grad=True)
        b = torch.zeros(1, requires_grad=True)
        for _ in range(5):
            loss = ((w * x + b - y) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                w -= 0.1 * w.grad
                b -= 0.1 * b.grad
            w.grad.zero_()
            b.grad = None
    """,
    "training loop": """
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        x, y = torch.randn(16, 4), torch.randint(0, 2, (16,))
        for epoch in range(3):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
    """,
    "data loader": """
        from torch.utils.data import DataLoader, TensorDataset
        data = TensorDataset(torch.randn(10, 3), torch.arange(10))
        total = 0
        for xb, yb in DataLoader(data, batch_size=4, shuffle=True):
            total += len(xb)
    """,
    "fine-tuning": """
        body, head = nn.Linear(4, 8), nn.Linear(8, 2)
        for p in body.parameters():
            p.requires_grad_(False)
        optimizer = torch.optim.Adam(head.parameters())
        out = head(body(torch.randn(5, 4)).relu())
        out.pow(2).mean().backward()
        optimizer.step()
        frozen = all(p.grad is None for p in body.parameters())
    """,
    "custom function": """
        class Square(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x
            @staticmethod
            def backward(ctx, g):
                x, = ctx.saved_tensors
                return 2 * x * g
        x = torch.tensor([3.], requires_grad=True)
        y = Square.apply(x)
        y.backward()
        print(x.grad)
    """,
    "custom module": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.scale = nn.Parameter(torch.ones(3))
            def forward(self, x):
                return x * self.scale
        net = Net()
        net(torch.ones(2, 3)).sum().backward()
        g = net.scale.grad
        first = g[0]
    """,
    "retained gradient": """
        w = torch.ones(3, requires_grad=True)
        h = w * 2
        h.retain_grad()
        h.sum().backward()
        print(h.grad, w.grad)
    """,
    "gradient of a batch": """
        x = torch.ones(3, requires_grad=True)
        y = x ** 2
        y.backward(gradient=torch.ones(3))
        x.grad
    """,
    "two passes over one graph": """
        x = torch.ones(2, requires_grad=True)
        y = (x * x).sum()
        y.backward(retain_graph=True)
        y.backward()
    """,
    "second derivative": """
        x = torch.tensor(2., requires_grad=True)
        g, = torch.autograd.grad(x ** 3, x, create_graph=True)
        gg, = torch.autograd.grad(g, x)
    """,
    "accumulated gradients": """
        lin = nn.Linear(2, 1)
        for part in torch.randn(4, 2).split(2):
            (lin(part).mean() / 2).backward()
        total = lin.weight.grad.norm()
    """,
    "truncated backward through time": """
        cell, h = nn.RNNCell(2, 3), torch.zeros(1, 3)
        for step in range(3):
            h = cell(torch.ones(1, 2), h.detach())
            h.sum().backward()
    """,
    "initialisation": """
        lin = nn.Linear(3, 3)
        nn.init.zeros_(lin.bias)
        with torch.no_grad():
            lin.weight.copy_(torch.eye(3))
            lin.weight[0] = 2
        lin.bias.data.fill_(1)
    """,
    "views": """
        x = torch.arange(24)
        a = x.view(2, 3, 4)
        b = a.permute(2, 0, 1)
        c = b.reshape(4, 6)
        d = b.contiguous().view(4, 6)
        e = a[:, :, ::2].flatten(0, 1)
        f = a.unsqueeze(0).squeeze()
    """,
    "writes through views": """
        image = torch.zeros(4, 4)
        image[1:3, 1:3] = 1
        border = image[0]
        border += 2
        image.T[0] = 5
        image.view(-1)[3] = 7
    """,
    "numpy and back": """
        a = np.arange(6).reshape(2, 3)
        t = torch.from_numpy(a)
        t += 1
        b = t.numpy()
        b[0] = 0
        c = torch.tensor(a)
    """,
    "matrix products": """
        a, b, v = torch.ones(2, 3), torch.ones(3, 4), torch.ones(3)
        r = a @ b, a @ v, v @ b, a.mm(b), torch.matmul(v, v)
        batch = torch.ones(5, 1, 2, 3) @ torch.ones(7, 3, 2)
    """,
    "attention": """
        q = k = v = torch.randn(2, 4, 5, 8)
        s = (q @ k.transpose(-2, -1)) / 8 ** 0.5
        o = (s.softmax(-1) @ v).transpose(1, 2).reshape(2, 5, 32)
    """,
    "handled error": """
        t = torch.arange(6).view(2, 3).t()
        try:
            flat = t.view(6)
        except RuntimeError:
            flat = t.reshape(6)
    """,
    "errors that are looked for": """
        a = torch.ones(2, 3)
        def fails(call):
            try:
                call()
            except RuntimeError as e:
                return str(e)
        messages = [fails(lambda: a @ a), fails(lambda: a.view(4)), fails(lambda: a.sum().backward())]
    """,
    "evaluation": """
        model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
        model.eval()
        with torch.no_grad():
            out = model(torch.ones(1, 2))
        best = out.argmax(dim=1)
    """,
    "inference mode": """
        lin = nn.Linear(2, 2)
        with torch.inference_mode():
            out = lin(torch.ones(1, 2))
            out += 1
        kept = out.clone()
    """,
    "saving": """
        import io
        lin, file = nn.Linear(2, 2), io.BytesIO()
        torch.save(lin.state_dict(), file)
        file.seek(0)
        lin.load_state_dict(torch.load(file))
        state = lin.state_dict()
    """,
    "tied weights": """
        embedding, out = nn.Embedding(10, 4), nn.Linear(4, 10, bias=False)
        out.weight = embedding.weight
        out(embedding(torch.tensor([1, 2]))).sum().backward()
        same = out.weight.grad is embedding.weight.grad
    """,
    "in place on what was computed": """
        w = torch.ones(3, requires_grad=True)
        h = w + 1
        h *= 2
        h[0] = 0
        h.sum().backward()
    """,
    "clipping": """
        lin = nn.Linear(3, 1)
        (lin(torch.ones(1, 3)) * 1000).sum().backward()
        norm = nn.utils.clip_grad_norm_(lin.parameters(), 1.0)
    """,
    "broadcasting": """
        x, mean = torch.randn(5, 3), torch.randn(3)
        y = (x - mean) / x.std(dim=0, keepdim=True)
        wide = mean.expand(5, 3)
        grid = mean[:, None] * mean[None]
    """,
    "sparse, meta and empty": """
        s = torch.eye(3).to_sparse()
        m = torch.empty(10, 10, device="meta")
        mt = m.t()
        e = torch.empty(0, 3)
        r = e.reshape(3, 0)
        p = s @ torch.ones(3, 1)
    """,
    "moving average": """
        model, average = nn.Linear(2, 2), nn.Linear(2, 2)
        with torch.no_grad():
            for a, p in zip(average.parameters(), model.parameters()):
                a.mul_(0.9).add_(p, alpha=0.1)
    """,
    "a list of losses": """
        w, losses = torch.ones(2, requires_grad=True), []
        for _ in range(3):
            loss = (w ** 2).sum()
            loss.backward()
            losses.append(loss.item())
        w.grad.data.zero_()
        w.data -= 0.1
    """,
    "per-sample gradients": """
        from torch.func import grad, vmap
        f = lambda w, x: (w * x).sum()
        g = vmap(grad(f), in_dims=(None, 0))(torch.ones(3), torch.ones(4, 3))
    """,
    "convolution": """
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 2))
        out = net(torch.randn(2, 3, 8, 8))
        out.logsumexp(1).mean().backward()
        kernel = net[0].weight.detach()
    """,
}


EVERY = CORRECT | PROGRAMS


def test_there_are_many_of_them() -> None:
    assert len(EVERY) == len(CORRECT) + len(PROGRAMS) >= 70


@pytest.mark.parametrize("name", EVERY)
def test_a_correct_program_gets_notes_alone(learner, name: str) -> None:
    told = learner.run(EVERY[name])
    assert told.run.ok, told.run.error
    assert not [each for each in told.explanations if each.kind != "note"]


#: Steps that show a mistake without raising, and the warning that it is worth.
MISTAKEN = {
    "devices/to-returns": {"result-unused"},
    "index-select/chained": {"write-lost"},
    "matmul/silent-minus": {"square-broadcast"},
    "functional/overflow": {"nan-born"},
    "functional/say-dim": {"implicit-dimension"},
    "functional/logits": {"scores-expected"},
    "graph-leaves/middle-grad": {"non-leaf-grad"},
    "graph-leaves/retain-late": {"non-leaf-grad"},
    "no-grad-detach/modes": {"evaluated-in-train-mode"},
    "inplace-autograd/rebind": {"non-leaf-grad"},
    "modules/what-counts": {"hidden-layers"},
    "training-loop/reset-too-soon": {"nothing-to-step"},
    "freeze/wrong-flag": {"module-requires-grad", "misspelled-attribute"},
}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_gets_notes_alone_unless_it_shows_a_mistake(
    request: pytest.FixtureRequest, path: Path
) -> None:
    lesson = load_lesson(path)
    learner = request.getfixturevalue("learner_on_sim" if lesson.device == "sim" else "learner")
    for step in lesson.steps:
        if code := step_code(step):
            told = learner.run(f"{prologue(lesson, step)}\n{code}")
            assert told.run.ok, (step.id, told.run.error)
            warnings = {each.rule for each in told.explanations if each.kind != "note"}
            assert warnings == MISTAKEN.get(f"{lesson.id}/{step.id}", set()), step.id
