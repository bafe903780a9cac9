"""How encoder-reference.safetensors was made: outputs of a ResNet-50, of a small Vision Transformer and of FID's
Inception-v3 in eager PyTorch (run with 1.13, in float64), whose attributes have the public names of the weights:
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


class Layer(nn.Module):
    def __init__(self, cin, cout, kernel, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(cout, 1e-3)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Branches: lists of layers, or of lists of layers that split in two at the end; and a pool before the last."""

    def __init__(self, branches, pool):
        super().__init__()
        self.branches, self.pool = [], pool
        for names in branches:
            branch = []
            for part in names:
                ends = part if isinstance(part, list) else [part]
                for name, *arguments in ends:
                    setattr(self, name, Layer(*arguments))
                branch.append([name for name, *_ in ends])
            self.branches.append(branch)

    def forward(self, x):
        results = []
        for branch in self.branches:
            y = self.pool(x) if branch[0] == ['branch_pool'] else x
            for names in branch[:-1]:
                y = getattr(self, names[0])(y)
            results += [getattr(self, name)(y) for name in branch[-1]]
        if not hasattr(self, 'branch_pool'):
            results.append(F.max_pool2d(x, 3, 2))
        return torch.cat(results, 1)


def mean_pool(x):
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def mixed_a(cin, pooled):
    return Mixed([[('branch1x1', cin, 64, 1)],
                  [('branch5x5_1', cin, 48, 1), ('branch5x5_2', 48, 64, 5, 1, 2)],
                  [('branch3x3dbl_1', cin, 64, 1), ('branch3x3dbl_2', 64, 96, 3, 1, 1),
                   ('branch3x3dbl_3', 96, 96, 3, 1, 1)],
                  [('branch_pool', cin, pooled, 1)]], mean_pool)


def mixed_c(c):
    row, column = ((1, 7), 1, (0, 3)), ((7, 1), 1, (3, 0))
    return Mixed([[('branch1x1', 768, 192, 1)],
                  [('branch7x7_1', 768, c, 1), ('branch7x7_2', c, c, *row), ('branch7x7_3', c, 192, *column)],
                  [('branch7x7dbl_1', 768, c, 1), ('branch7x7dbl_2', c, c, *column), ('branch7x7dbl_3', c, c, *row),
                   ('branch7x7dbl_4', c, c, *column), ('branch7x7dbl_5', c, 192, *row)],
                  [('branch_pool', 768, 192, 1)]], mean_pool)


def mixed_e(cin, pool):
    row, column = ((1, 3), 1, (0, 1)), ((3, 1), 1, (1, 0))
    return Mixed([[('branch1x1', cin, 320, 1)],
                  [('branch3x3_1', cin, 384, 1), [('branch3x3_2a', 384, 384, *row), ('branch3x3_2b', 384, 384, *column)]],
                  [('branch3x3dbl_1', cin, 448, 1), ('branch3x3dbl_2', 448, 384, 3, 1, 1),
                   [('branch3x3dbl_3a', 384, 384, *row), ('branch3x3dbl_3b', 384, 384, *column)]],
                  [('branch_pool', cin, 192, 1)]], pool)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.Conv2d_1a_3x3, self.Conv2d_2a_3x3 = Layer(3, 32, 3, 2), Layer(32, 32, 3)
        self.Conv2d_2b_3x3, self.Conv2d_3b_1x1 = Layer(32, 64, 3, 1, 1), Layer(64, 80, 1)
        self.Conv2d_4a_3x3 = Layer(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = mixed_a(192, 32), mixed_a(256, 64), mixed_a(288, 64)
        self.Mixed_6a = Mixed([[('branch3x3', 288, 384, 3, 2)],
                               [('branch3x3dbl_1', 288, 64, 1), ('branch3x3dbl_2', 64, 96, 3, 1, 1),
                                ('branch3x3dbl_3', 96, 96, 3, 2)]], None)
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = map(mixed_c, (128, 160, 160, 192))
        self.Mixed_7a = Mixed([[('branch3x3_1', 768, 192, 1), ('branch3x3_2', 192, 320, 3, 2)],
                               [('branch7x7x3_1', 768, 192, 1), ('branch7x7x3_2', 192, 192, (1, 7), 1, (0, 3)),
                                ('branch7x7x3_3', 192, 192, (7, 1), 1, (3, 0)),
                                ('branch7x7x3_4', 192, 192, 3, 2)]], None)
        self.Mixed_7b = mixed_e(1280, mean_pool)
        self.Mixed_7c = mixed_e(2048, lambda x: F.max_pool2d(x, 3, 1, 1))
        self.fc = nn.Linear(2048, 1008)

    def forward(self, x):
        x = 2 * F.interpolate(x, size=(299, 299), mode='bilinear', align_corners=False) - 1
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = F.max_pool2d(x, 3, 2)
        for name in ('5b', '5c', '5d', '6a', '6b', '6c', '6d', '6e', '7a', '7b', '7c'):
            x = getattr(self, 'Mixed_' + name)(x)
        x = x.mean((2, 3))
        return x, self.fc(x)


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
    tensors['inception'], tensors['inception_logits'] = draw(Inception()).eval()((images.double() + 1) / 2)
    tensors['vit'] = draw(VisionTransformer(48, 16, 32, 2, 4))(images.double())
header, values = {}, b''
for name, t in tensors.items():
    begin, values = len(values), values + t.float().contiguous().numpy().tobytes()
    header[name] = {'dtype': 'F32', 'shape': list(t.shape), 'data_offsets': [begin, len(values)]}
text = json.dumps(header).encode()
open(sys.argv[1], 'wb').write(struct.pack('<Q', len(text)) + text + values)
