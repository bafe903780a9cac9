"""How unet-reference.safetensors was made: inputs, outputs and gradients of a U-Net that was written
independently in eager PyTorch (run with 1.13, in float64). The file of that U-Net is the first argument:
    python3 unet-reference.py EAGER_UNET.py unet-reference.safetensors
Its class is UNet(cin, cout, dim, mults, blocks, size, attn, head, drop, classes), called with x [B, cin, H, W],
gamma [B] and one-hot labels [B, classes]. The weights are too many to store: they are drawn with
java.util.Random, which a test can do as well, in the order of the names that they have in UNet.java."""
import importlib.util, json, math, struct, sys
import torch

spec = importlib.util.spec_from_file_location('eager', sys.argv[1])
eager = importlib.util.module_from_spec(spec)
spec.loader.exec_module(eager)
torch.manual_seed(7)
net = eager.UNet(6, 3, 32, (1, 2), 1, 8, attn=(8, 4), head=16, classes=3)

def name_here(name):
    """UNet.java's name; q, k and v are one matrix there. One block a stage, two in the up stages."""
    part, rest = name.split('.', 1)
    if part in ('down', 'up'):
        i, rest = rest.split('.', 1)
        stage = {'down': ['down.0.0', 'down.0.downsample', 'down.1.0'],
                 'up': ['up.1.0', 'up.1.1', 'up.1.upsample', 'up.0.0', 'up.0.1']}[part][int(i)]
        kind, _, layer = rest.partition('.')
        if kind == '0':
            return stage + '.residual.' + layer.replace('emb.', 'embedding.')
        layer, _, value = layer.partition('.')
        layer = dict(q='qkv', k='qkv', v='qkv', o='output').get(layer, layer)
        return stage + (f'.attention.{layer}.{value}' if kind == '1' else '.' + rest)
    names = dict(e0='embedding.0', e1='embedding.1', inp='input', inorm='input_norm', onorm='output_norm', out='output')
    return names[part] + '.' + rest

parameters = {}
for name, p in net.named_parameters():
    parameters.setdefault(name_here(name), []).append(p)
state = 7 ^ 0x5DEECE66D
def next_float():  # java.util.Random(7).nextFloat()
    global state
    state = (state * 0x5DEECE66D + 0xB) % 2 ** 48
    return (state >> 24) / 2 ** 24
for name in sorted(parameters):
    for p in parameters[name]:
        bound = math.sqrt(3 / p[0].numel()) if p.dim() > 1 else 0.5
        mean = 1 if p.dim() == 1 and 'norm' in name and name.endswith('weight') else 0
        p.data = torch.tensor([mean + bound * (2 * next_float() - 1) for _ in range(p.numel())]).view(p.shape).double()

one = torch.randn(6, 8, 8)
x = torch.stack([one, one, one, one, torch.randn(6, 8, 8)])  # one image at other times and of other classes
gamma = torch.tensor([0.02, 0.93, 0.02, 0.93, 0.5])
labels = torch.tensor([[1., 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0]])
factors = torch.randn(5, 3, 8, 8)
y = net(x.double(), gamma.double(), labels.double())
(y * factors).sum().backward()
tensors = {'x': x, 'gamma': gamma, 'labels': labels, 'factors': factors, 'y': y}
for name in ('embedding.0.weight', 'embedding.1.weight', 'down.0.0.residual.conv0.weight', 'down.1.0.attention.qkv.weight'):
    tensors['gradient.' + name] = torch.cat([p.grad for p in parameters[name]])
header, values = {}, b''
for name, t in tensors.items():
    begin, values = len(values), values + t.float().detach().contiguous().numpy().tobytes()
    header[name] = {'dtype': 'F32', 'shape': list(t.shape), 'data_offsets': [begin, len(values)]}
text = json.dumps(header).encode()
open(sys.argv[2], 'wb').write(struct.pack('<Q', len(text)) + text + values)
