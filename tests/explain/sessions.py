"""Long sessions of correct code, in which one thing comes after the other under the same names."""

EARLY = """
import math, random
# correct programs, hunting for false alarms
def make_data(n=100):
    X = torch.randn(n, 2)
    y = (X[:, 0] * X[:, 1] > 0).float().unsqueeze(1)
    return X, y
X, y = make_data()
class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 1))
    def forward(self, x):
        return self.net(x)
model = MLP()
loss_fn = nn.BCEWithLogitsLoss()
optim = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(20):
    model.train()
    perm = torch.randperm(len(X))
    total_loss, correct = 0.0, 0
    for i in range(0, len(X), 16):
        idx = perm[i:i+16]
        out = model(X[idx])
        loss = loss_fn(out, y[idx])
        optim.zero_grad()
        loss.backward()
        optim.step()
        total_loss += loss.item()
        correct += ((out > 0).float() == y[idx]).sum().item()
model.eval()
with torch.no_grad():
    p = torch.sigmoid(model(X))
    acc = ((p > 0.5).float() == y).float().mean().item()
# gumbel, beam etc
logp = torch.log_softmax(torch.randn(5, 10), dim=-1)
top = logp.topk(3)
nll = -logp.gather(1, torch.randint(0, 10, (5, 1))).mean()
# maml-like
w = torch.randn(3, requires_grad=True)
inner = w
for _ in range(2):
    g, = torch.autograd.grad((inner ** 2).sum(), inner, create_graph=True)
    inner = inner - 0.1 * g
(inner ** 2).sum().backward()
# numerical gradient
def f(v): return (v ** 3).sum()
v = torch.randn(3, dtype=torch.float64, requires_grad=True)
ok = torch.autograd.gradcheck(f, v)
# kmeans
pts = torch.randn(30, 2)
centers = pts[torch.randperm(30)[:3]].clone()
for _ in range(4):
    d = torch.cdist(pts, centers)
    a = d.argmin(dim=1)
    centers = torch.stack([pts[a == k].mean(0) if (a == k).any() else centers[k] for k in range(3)])
# confusion
cm = torch.zeros(3, 3, dtype=torch.int64)
for t, q in zip(a, a.flip(0)):
    cm[t.long(), q.long()] += 1
prec = cm.diag() / cm.sum(0).clamp(min=1)
# weighted, sampling
probs = torch.tensor([0.1, 0.2, 0.7])
samp = torch.multinomial(probs, 5, replacement=True)
# no_grad inference on a Conv net
cnn = nn.Sequential(
    nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
)
cnn(torch.randn(4, 1, 8, 8)).sum().backward()
cnn.eval()
with torch.inference_mode():
    feats = cnn[:5](torch.randn(2, 1, 8, 8))
    out = cnn[5](feats)
# lr range, warmups
opt2 = torch.optim.SGD(cnn.parameters(), lr=0.1, momentum=0.9)
sched = torch.optim.lr_scheduler.LambdaLR(opt2, lambda e: 0.9 ** e)
cnn.train()
for e in range(3):
    opt2.zero_grad()
    l = cnn(torch.randn(4, 1, 8, 8)).logsumexp(1).mean()
    l.backward(); opt2.step(); sched.step()
hist = [l.item()]
best_val = math.inf
swa = torch.optim.swa_utils.AveragedModel(cnn)
swa.update_parameters(cnn)
torch.optim.swa_utils.update_bn([torch.randn(4, 1, 8, 8)], swa)
class Lin(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w
    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w.T, x.T @ g
xx, ww = torch.randn(3, 2), torch.randn(2, 4, requires_grad=True)
Lin.apply(xx, ww).sum().backward()
# manual softmax regression
W = torch.zeros(2, 3, requires_grad=True)
B = torch.zeros(3, requires_grad=True)
lab = torch.randint(0, 3, (100,))
for _ in range(10):
    z = X @ W + B
    e = torch.exp(z - z.max(dim=1, keepdim=True).values)
    pr = e / e.sum(dim=1, keepdim=True)
    loss = -torch.log(pr[torch.arange(100), lab]).mean()
    W.grad = B.grad = None
    loss.backward()
    with torch.no_grad():
        for prm in (W, B):
            prm -= 0.5 * prm.grad
# hooks, checkpoint
from torch.utils.checkpoint import checkpoint
lay = nn.Linear(2, 2)
checkpoint(lay, X[:3].requires_grad_(), use_reentrant=False).sum().backward()
acts = {}
h = lay.register_forward_hook(lambda m, i, o: acts.setdefault("o", o.detach()))
lay(X[:2]); h.remove()
val = lay(X[:2]).sum()
ema = 0.0
for k in range(5):
    ema = 0.9 * ema + 0.1 * float(lay(X[:2]).detach().mean())
"""
LATE = """
import copy, math
import torch.nn.functional as F
# siamese / triplet
emb = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
opt = torch.optim.Adam(emb.parameters())
for _ in range(3):
    a, p, n = emb(torch.randn(6, 4)), emb(torch.randn(6, 4)), emb(torch.randn(6, 4))
    l = F.triplet_margin_loss(a, p, n)
    opt.zero_grad(); l.backward(); opt.step()
# actor critic, shared body, two heads
class AC(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.pi, self.v = nn.Linear(4, 8), nn.Linear(8, 2), nn.Linear(8, 1)
    def forward(self, s):
        h = torch.tanh(self.body(s))
        return F.softmax(self.pi(h), dim=-1), self.v(h).squeeze(-1)
ac = AC(); opt = torch.optim.Adam(ac.parameters())
for ep in range(2):
    logs, vals, rews = [], [], []
    for t in range(4):
        probs, val = ac(torch.randn(4))
        d = torch.distributions.Categorical(probs)
        act = d.sample()
        logs.append(d.log_prob(act)); vals.append(val); rews.append(1.0)
    R = torch.tensor(rews).flip(0).cumsum(0).flip(0)
    adv = R - torch.stack(vals)
    loss = -(torch.stack(logs) * adv.detach()).mean() + adv.pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step()
# alternate training of two parts by one optimizer each
f, g = nn.Linear(3, 3), nn.Linear(3, 1)
of, og = torch.optim.SGD(f.parameters(), 0.1), torch.optim.SGD(g.parameters(), 0.1)
for i in range(4):
    x = torch.randn(5, 3)
    if i % 2:
        loss = g(f(x)).pow(2).mean(); of.zero_grad(); loss.backward(); of.step()
    else:
        loss = g(f(x).detach()).pow(2).mean(); og.zero_grad(); loss.backward(); og.step()
# BYOL-like
on, tg = nn.Linear(4, 3), nn.Linear(4, 3)
tg.load_state_dict(on.state_dict())
for q in tg.parameters(): q.requires_grad_(False)
pred = nn.Linear(3, 3); opt = torch.optim.SGD([*on.parameters(), *pred.parameters()], 0.1)
for _ in range(2):
    v1, v2 = torch.randn(5, 4), torch.randn(5, 4)
    with torch.no_grad(): t = tg(v2)
    loss = 2 - 2 * F.cosine_similarity(pred(on(v1)), t, dim=-1).mean()
    opt.zero_grad(); loss.backward(); opt.step()
    with torch.no_grad():
        for a, b in zip(tg.parameters(), on.parameters()): a.data = a.data * 0.9 + b.data * 0.1
# unfreezing later
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
net[0].requires_grad_(False)
opt = torch.optim.SGD(net[2].parameters(), 0.1)
for _ in range(2):
    opt.zero_grad()
    F.cross_entropy(net(torch.randn(4, 4)), torch.tensor([0, 1, 1, 0])).backward()
    opt.step()
net[0].requires_grad_(True)
opt.add_param_group({"params": net[0].parameters(), "lr": 0.01})
for _ in range(2):
    opt.zero_grad()
    F.cross_entropy(net(torch.randn(4, 4)), torch.tensor([0, 1, 1, 0])).backward()
    opt.step()
# train with metric in the training loop, dropout on
m = nn.Sequential(nn.Linear(4, 8), nn.Dropout(), nn.Linear(8, 2))
opt = torch.optim.SGD(m.parameters(), 0.1)
seen = right = 0
for xb in torch.randn(20, 4).split(5):
    yb = torch.randint(0, 2, (5,))
    out = m(xb); loss = F.cross_entropy(out, yb)
    opt.zero_grad(); loss.backward(); opt.step()
    right += (out.argmax(1) == yb).sum().item(); seen += len(yb)
# statement-by-statement training step, then accuracy of the training batch
out = m(xb)
loss = F.cross_entropy(out, yb)
opt.zero_grad()
loss.backward()
opt.step()
train_acc = (out.argmax(1) == yb).float().mean().item()
# gradient checking by hand, saliency
m.eval()
img = torch.randn(1, 4, requires_grad=True)
score = m(img)[0].max()
score.backward()
sal = img.grad.abs()
# seq2seq teacher forcing
dec, proj = nn.GRUCell(3, 5), nn.Linear(5, 3)
opt = torch.optim.Adam([*dec.parameters(), *proj.parameters()])
tgt, h = torch.randint(0, 3, (4, 2)), torch.zeros(2, 5)
inp = F.one_hot(tgt[0], 3).float(); tot = 0
for t in range(1, 4):
    h = dec(inp, h); lg = proj(h); tot = tot + F.cross_entropy(lg, tgt[t])
    inp = F.one_hot(lg.argmax(1), 3).float()
opt.zero_grad(); tot.backward(); opt.step()
# retain_graph two heads, loss logging by list of detached
# greedy generation
lm = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(12, 10)).eval()
toks = [1, 2, 3]
with torch.no_grad():
    for _ in range(4):
        nxt = lm(torch.tensor([toks[-3:]])).argmax(-1).item()
        toks.append(nxt)
# in-place normalise, images
im = torch.randint(0, 256, (3, 4, 4), dtype=torch.uint8)
im2 = im.to(torch.float32).div_(255).sub_(0.5)
im[0, 0, 0] = 7
# loss per sample weights
w = torch.tensor([1., 2., 1., 1., 3.])
ce = F.cross_entropy(m(xb), yb, reduction="none")
wl = (ce * w).sum() / w.sum()
# sparse grads embedding
e = nn.Embedding(10, 3, sparse=True); o = torch.optim.SparseAdam(list(e.parameters()))
e(torch.tensor([1, 2])).sum().backward(); o.step()
# grad scaler-less amp on cpu
with torch.autocast("cpu", dtype=torch.bfloat16):
    hb = m(xb)
class Noise(nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x) if self.training else x
z = Noise()(xb)
r = torch.zeros(3); r.index_add_(0, torch.tensor([0, 2]), torch.ones(2))
"""
SESSIONS = {"a session": EARLY, "another session": LATE}
