package org.bitdiffusion.codec;

import static org.bytedeco.pytorch.global.torch.arange;

import org.bitdiffusion.ConfigurationException;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * No bits: one value a symbol, evenly from -b for 0 to +b for K - 1, as continuous diffusion writes
 * pixels. With it the trainer is the paper's reference, DDPM on continuous pixels. Decoding takes
 * the nearest.
 */
public record ContinuousCodec(int categories, double scale) implements UniformCodec {
  private static final int MOST_CATEGORIES = 65_536;

  public ContinuousCodec {
    if (categories < 2 || categories > MOST_CATEGORIES) {
      throw new ConfigurationException(
          "the data has %d categories, but continuous can write 2 to %d"
              .formatted(categories, MOST_CATEGORIES));
    }
    BinaryCodec.requireScale(scale);
  }

  @Override
  public int bits() {
    return 1;
  }

  @Override
  public Tensor encode(Tensor symbols) {
    return symbols
        .to(torch.ScalarType.Float)
        .mul(new Scalar(2 * scale / (categories - 1)))
        .sub(new Scalar(scale));
  }

  @Override
  public Tensor decode(Tensor analog) {
    return analog
        .to(torch.ScalarType.Float)
        .nan_to_num(new DoubleOptional(0), new DoubleOptional(scale), new DoubleOptional(-scale))
        .add(new Scalar(scale))
        .mul(new Scalar((categories - 1) / (2 * scale)))
        .round()
        .clamp(new ScalarOptional(new Scalar(0)), new ScalarOptional(new Scalar(categories - 1)))
        .to(torch.ScalarType.Long);
  }

  @Override
  public Tensor codes() {
    return encode(arange(new Scalar(categories))).unsqueeze(1);
  }
}
