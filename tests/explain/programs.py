"""Correct programs of many kinds, as people write them: nothing in them is to be warned of."""

from tests.explain.programs_of_data import DATA, MODELS
from tests.explain.sessions import SESSIONS

TRAINING = {
    "mini-batches, train and validate": """
        from torch.utils.data import DataLoader, TensorDataset
        x, y = torch.randn(60, 4), torch.randint(0, 3, (60,))
        train = DataLoader(TensorDataset(x[:45], y[:45]), batch_size=8, shuffle=True)
        valid = DataLoader(TensorDataset(x[45:], y[45:]), batch_size=8)
        model = nn.Sequential(
            nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3)
        )
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        criterion = nn.CrossEntropyLoss()
        history = []
        for epoch in range(2):
            model.train()
            running = 0.0
            for xb, yb in train:
                optimizer.zero_grad()
                loss = criterion(model(xb), yb)
                loss.backward()
                optimizer.step()
                running += loss.item() * len(xb)
            model.eval()
            correct = 0
            with torch.no_grad():
                for xb, yb in valid:
                    correct += (model(xb).argmax(dim=1) == yb).sum().item()
            history.append((running / 45, correct / 15))
    """,
    "functions for training and evaluation": """
        import torch.nn.functional as F
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc1 = nn.Linear(4, 8)
                self.drop = nn.Dropout(0.3)
                self.fc2 = nn.Linear(8, 2)
            def forward(self, x):
                return self.fc2(self.drop(F.relu(self.fc1(x))))
        def train_one(model, batches, optimizer):
            model.train()
            total = 0
            for xb, yb in batches:
                loss = F.cross_entropy(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.detach()
            return total.item() / len(batches)
        @torch.no_grad()
        def accuracy(model, batches):
            model.eval()
            hits = [(model(xb).argmax(1) == yb).float().mean() for xb, yb in batches]
            return torch.stack(hits).mean().item()
        batches = [(torch.randn(5, 4), torch.randint(0, 2, (5,))) for _ in range(3)]
        model = Net()
        optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
        for epoch in range(3):
            loss, acc = train_one(model, batches, optimizer), accuracy(model, batches)
    """,
    "gradient accumulation on purpose": """
        model = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        x, y = torch.randn(32, 3), torch.randn(32, 1)
        steps = 4
        optimizer.zero_grad()
        for i, (xb, yb) in enumerate(zip(x.split(2), y.split(2))):
            loss = nn.functional.mse_loss(model(xb), yb) / steps
            loss.backward()
            if (i + 1) % steps == 0:
                optimizer.step()
                optimizer.zero_grad()
    """,
    "frozen body": """
        class Classifier(nn.Module):
            def __init__(self, body):
                super().__init__()
                self.body, self.head = body, nn.Linear(8, 2)
            def forward(self, x):
                return self.head(self.body(x).relu())
        model = Classifier(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8)))
        for p in model.body.parameters():
            p.requires_grad = False
        optimizer = torch.optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(torch.randn(6, 4)), torch.randint(0, 2, (6,))).backward()
            optimizer.step()
    """,
    "all parameters given, some frozen": """
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        model[0].requires_grad_(False)
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(2):
            optimizer.zero_grad()
            model(torch.randn(3, 4)).square().mean().backward()
            optimizer.step()
    """,
    "features without gradients": """
        body, head = nn.Linear(4, 8), nn.Linear(8, 2)
        optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
        x, y = torch.randn(9, 4), torch.randint(0, 2, (9,))
        for _ in range(3):
            with torch.no_grad():
                features = body(x)
            loss = nn.functional.cross_entropy(head(features), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "adversarial pair": """
        G = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
        D = nn.Sequential(nn.Linear(3, 8), nn.LeakyReLU(0.2), nn.Dropout(0.1), nn.Linear(8, 1))
        opt_g = torch.optim.Adam(G.parameters(), lr=2e-4)
        opt_d = torch.optim.Adam(D.parameters(), lr=2e-4)
        bce = nn.BCEWithLogitsLoss()
        for _ in range(3):
            real, z = torch.randn(6, 3), torch.randn(6, 2)
            ones, zeros = torch.ones(6, 1), torch.zeros(6, 1)
            opt_d.zero_grad()
            loss_d = bce(D(real), ones) + bce(D(G(z).detach()), zeros)
            loss_d.backward()
            opt_d.step()
            opt_g.zero_grad()
            loss_g = bce(D(G(z)), ones)
            loss_g.backward()
            opt_g.step()
    """,
    "adversarial pair, fakes without gradients": """
        G, D = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.1)), nn.Linear(3, 1)
        opt_g, opt_d = torch.optim.SGD(G.parameters(), lr=0.1), torch.optim.SGD(D.parameters(), lr=0.1)
        for _ in range(3):
            z = torch.randn(6, 2)
            with torch.no_grad():
                fake = G(z)
            loss = D(fake).mean() - D(torch.randn(6, 3)).mean()
            opt_d.zero_grad(); loss.backward(); opt_d.step()
            with torch.no_grad():
                for p in D.parameters():
                    p.clamp_(-0.01, 0.01)
            opt_g.zero_grad()
            (-D(G(z)).mean()).backward()
            opt_g.step()
    """,
    "generator first, statement by statement": """
        G, D = nn.Linear(2, 3), nn.Linear(3, 1)
        opt_g, opt_d = torch.optim.SGD(G.parameters(), lr=0.1), torch.optim.SGD(D.parameters(), lr=0.1)
        fake = G(torch.randn(4, 2))
        loss_g = nn.functional.softplus(-D(fake)).mean()
        loss_g.backward()
        opt_g.step()
        opt_d.zero_grad()
        loss_d = nn.functional.softplus(D(fake.detach())).mean()
        loss_d.backward()
        opt_d.step()
        opt_g.zero_grad()
    """,
    "early stopping with the best weights": """
        import copy
        model, x, y = nn.Linear(3, 1), torch.randn(20, 3), torch.randn(20, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        best, patience, state = float("inf"), 2, None
        for epoch in range(10):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            if loss.item() < best:
                best, patience, state = loss.item(), 2, copy.deepcopy(model.state_dict())
            else:
                patience -= 1
                if patience == 0:
                    break
        model.load_state_dict(state)
    """,
    "scheduler, clipping and groups": """
        model = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 1))
        decay = [p for n, p in model.named_parameters() if p.dim() > 1]
        rest = [p for n, p in model.named_parameters() if p.dim() <= 1]
        groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
        rates = []
        for epoch in range(4):
            optimizer.zero_grad(set_to_none=True)
            loss = model(torch.randn(6, 4)).pow(2).mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            scheduler.step()
            rates.append(scheduler.get_last_lr()[0])
    """,
    "averaged weights": """
        import copy
        model = nn.Linear(4, 2)
        average = copy.deepcopy(model).requires_grad_(False)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            model(torch.randn(3, 4)).square().sum().backward()
            optimizer.step()
            with torch.no_grad():
                for a, p in zip(average.parameters(), model.parameters()):
                    a.lerp_(p, 0.1)
    """,
    "checkpoint and going on": """
        import io
        model = nn.Linear(2, 1)
        optimizer = torch.optim.Adam(model.parameters())
        def some_steps(count):
            for _ in range(count):
                optimizer.zero_grad()
                model(torch.ones(3, 2)).mean().backward()
                optimizer.step()
        some_steps(2)
        file = io.BytesIO()
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 2}, file)
        file.seek(0)
        checkpoint = torch.load(file)
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        some_steps(2)
    """,
    "losses kept as numbers": """
        model, x, y = nn.Linear(3, 1), torch.randn(8, 3), torch.randn(8, 1)
        optimizer, losses, total = torch.optim.SGD(model.parameters(), lr=0.1), [], 0.0
        for _ in range(4):
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
            total += float(loss)
        mean = torch.stack(losses).mean()
    """,
    "losses added up before one backward": """
        model, optimizer = nn.Linear(3, 1), None
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(2):
            losses, total = [], 0
            for part in torch.randn(6, 3).split(2):
                loss = model(part).pow(2).mean()
                losses.append(loss)
                total = total + loss
            optimizer.zero_grad()
            (torch.stack(losses).sum() + total).backward()
            optimizer.step()
    """,
    "two losses, one optimizer": """
        body, first, second = nn.Linear(4, 8), nn.Linear(8, 2), nn.Linear(8, 1)
        optimizer = torch.optim.SGD([*body.parameters(), *first.parameters(), *second.parameters()], lr=0.1)
        x, label, value = torch.randn(5, 4), torch.tensor([0, 1, 1, 0, 1]), torch.randn(5)
        for _ in range(3):
            h = body(x).relu()
            one = nn.functional.cross_entropy(first(h), label)
            two = nn.functional.mse_loss(second(h).squeeze(-1), value)
            optimizer.zero_grad()
            one.backward(retain_graph=True)
            two.backward()
            optimizer.step()
    """,
    "an optimizer with a closure": """
        w = torch.zeros(2, requires_grad=True)
        optimizer = torch.optim.LBFGS([w], max_iter=5)
        def closure():
            optimizer.zero_grad()
            loss = ((w - torch.tensor([1., 2.])) ** 2).sum()
            loss.backward()
            return loss
        for _ in range(3):
            optimizer.step(closure)
    """,
    "an image that is optimised": """
        judge = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 1)).eval()
        image = torch.zeros(1, 6, requires_grad=True)
        optimizer = torch.optim.Adam([image], lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            (-judge(image).sum()).backward()
            optimizer.step()
    """,
    "a policy": """
        policy = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
        optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
        log_probs, rewards = [], []
        for t in range(5):
            choice = torch.distributions.Categorical(logits=policy(torch.randn(4)))
            action = choice.sample()
            log_probs.append(choice.log_prob(action))
            rewards.append(float(action))
        returns = torch.tensor(rewards).flip(0).cumsum(0).flip(0)
        loss = -(torch.stack(log_probs) * (returns - returns.mean())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    """,
    "a target network": """
        import copy
        q = nn.Linear(4, 2)
        target = copy.deepcopy(q)
        optimizer = torch.optim.Adam(q.parameters())
        for i in range(4):
            s, a, r, s2 = torch.randn(6, 4), torch.randint(0, 2, (6,)), torch.randn(6), torch.randn(6, 4)
            value = q(s).gather(1, a.unsqueeze(1)).squeeze(1)
            with torch.no_grad():
                goal = r + 0.9 * target(s2).max(1).values
            loss = nn.functional.smooth_l1_loss(value, goal)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if i % 2 == 0:
                target.load_state_dict(q.state_dict())
    """,
    "a student and its teacher": """
        import torch.nn.functional as F
        teacher, student = nn.Linear(4, 3).eval(), nn.Linear(4, 3)
        optimizer, T = torch.optim.SGD(student.parameters(), lr=0.1), 2.0
        for _ in range(3):
            x, y = torch.randn(5, 4), torch.randint(0, 3, (5,))
            with torch.no_grad():
                soft = F.softmax(teacher(x) / T, dim=-1)
            out = student(x)
            loss = F.kl_div(F.log_softmax(out / T, dim=-1), soft, reduction="batchmean")
            loss = loss + F.cross_entropy(out, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
}

PROGRAMS = {**TRAINING, **MODELS, **DATA, **SESSIONS}
