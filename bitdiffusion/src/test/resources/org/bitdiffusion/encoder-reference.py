"""How encoder-reference.safetensors was made: outputs of a ResNet-50 and of a small Vision Transformer in eager
PyTorch (run with 1.13, in float64), whose attributes have the public names of the weights:
    python3 encoder-reference.py encoder-reference.safetensors
The weights are too many to store: they are drawn with java.util.Random, which a test can do as well, in the order
of their names."""
import json, math, struct, sys
import torch
from torch import nn
from torch.nn import functional as F


class Bottleneck(nn.Module):
    def __init__(self, cin, inner, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(cin, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, 4 * inner, 1, bias=False), nn.BatchNorm2d(4 * inner)
        if stride != 1 or cin != 4 * inner:
            self.downsample = nn.Sequential(nn.Conv2d(cin, 4 * inner, 1, stride, bias=False), nn.BatchNorm2d(4 * inner))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + (self.downsample(x) if hasattr(self, 'downsample') else x))


class ResNet50(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        cin = 64
        for i, (blocks, inner) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)]):
            stage = []
            for b in range(blocks):
                stage.append(Bottleneck(cin, inner, 2 if i > 0 and b == 0 else 1))
                cin = 4 * inner
            setattr(self, f'layer{i + 1}', nn.Sequential(*stage))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return x.flatten(2).transpose(1, 2)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, 1e-6), nn.LayerNorm(width, 1e-6)
        self.attn = nn.ModuleDict({'qkv': nn.Linear(width, 3 * width), 'proj': nn.Linear(width, width)})
        self.mlp = nn.ModuleDict({'fc1': nn.Linear(width, 4 * width), 'fc2': nn.Linear(4 * width, width)})

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.attn['qkv'](self.norm1(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = torch.einsum('bhqd,bhkd->bhqk', q, k) / math.sqrt(q.shape[-1])
        mixed = torch.einsum('bhqk,bhkd->bqhd', weights.softmax(-1), v).reshape(batch, length, width)
        x = x + self.attn['proj'](mixed)
        return x + self.mlp['fc2'](F.gelu(self.mlp['fc1'](self.norm2(x))))


class VisionTransformer(nn.Module):
    def __init__(self, size, patch, width, depth, heads):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (size // patch) ** 2, width))
        self.patch_embed = nn.ModuleDict({'proj': nn.Conv2d(3, width, patch, patch)})
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, 1e-6)

    def forward(self, x):
        x = self.patch_embed['proj'](x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        return self.norm(self.blocks(x))


def draw(net):
    state = 7 ^ 0x5DEECE66D
    values = {k: v for k, v in net.state_dict().items() if not k.endswith('num_batches_tracked')}
    for name in sorted(values):
        v = values[name]
        matrix = v.dim() == 2 or v.dim() == 4
        bound = math.sqrt(3 / v[0].numel()) if matrix else 0.5
        mean = 1 if v.dim() == 1 and ('norm' in name or 'bn' in name or 'downsample.1' in name) \
            and name.endswith(('weight', 'running_var')) else 0
        drawn = []
        for _ in range(v.numel()):  # java.util.Random(7).nextFloat()
            state = (state * 0x5DEECE66D + 0xB) % 2 ** 48
            drawn.append(mean + bound * (2 * (state >> 24) / 2 ** 24 - 1))
        v.copy_(torch.tensor(drawn).view(v.shape))
    return net.double()


torch.manual_seed(7)
images = torch.rand(2, 3, 48, 48) * 2 - 1
tensors = {'images': images}
resnet = draw(ResNet50())
with torch.no_grad():
    tensors['resnet50'] = resnet.eval()(images.double())
    tensors['resnet50_training'] = resnet.train()(images.double())
    tensors['layer3.0.bn2.running_var'] = resnet.layer3[0].bn2.running_var
    tensors['vit'] = draw(VisionTransformer(48, 16, 32, 2, 4))(images.double())
header, values = {}, b''
for name, t in tensors.items():
    begin, values = len(values), values + t.float().contiguous().numpy().tobytes()
    header[name] = {'dtype': 'F32', 'shape': list(t.shape), 'data_offsets': [begin, len(values)]}
text = json.dumps(header).encode()
open(sys.argv[1], 'wb').write(struct.pack('<Q', len(text)) + text + values)
