package org.bitdiffusion.toy.net;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.hardtanh;
import static org.bytedeco.pytorch.global.torch.silu;

import org.bitdiffusion.nn.DenoisingNetwork;
import org.bitdiffusion.nn.Linear;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.runtime.Compute;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;

/** Two linear maps: x_t, the estimate and gamma, [B, D] each and [B], to [B, D]. */
final class ToyNetwork implements DenoisingNetwork {
  private final ToyConfig.Activation activation;
  private final Linear hidden;
  private final Linear output;
  private final Parameters parameters;

  ToyNetwork(ToyConfig config, int bits, Compute compute, long seed) {
    activation = config.activation();
    try (var p = new Parameters.Builder(seed)) {
      hidden = new Linear(p.in("hidden"), 2 * bits + 1, config.width());
      output = new Linear(p.in("output"), config.width(), bits);
      parameters = p.build(compute);
    }
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  @Override
  public Tensor forward(Tensor xt, Tensor estimate, Tensor gamma, Tensor condition) {
    return parameters.compute(
        () -> {
          var seen = cat(new TensorVector(xt, estimate, gamma.unsqueeze(1)), 1);
          var h = hidden.forward(seen);
          return output.forward(
              switch (activation) {
                case SILU -> silu(h);
                case HARD_TANH -> hardtanh(h);
              });
        });
  }
}
