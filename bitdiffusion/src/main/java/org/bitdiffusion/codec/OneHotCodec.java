package org.bitdiffusion.codec;

import static org.bytedeco.pytorch.global.torch.eye;
import static org.bytedeco.pytorch.global.torch.full;

import org.bitdiffusion.ConfigurationException;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * K values a symbol, +b at the category and -b elsewhere (arXiv 2208.04202, appendix B). Decoding
 * is the arg max.
 */
public record OneHotCodec(int categories, double scale) implements UniformCodec {
  /** Memory for one symbol grows with K: more categories than this are a mistake. */
  private static final int MOST_CATEGORIES = 4096;

  public OneHotCodec {
    if (categories < 2 || categories > MOST_CATEGORIES) {
      throw new ConfigurationException(
          "the data has %d categories, but one_hot can write 2 to %d; use uint8"
              .formatted(categories, MOST_CATEGORIES));
    }
    BinaryCodec.requireScale(scale);
  }

  @Override
  public int bits() {
    return categories;
  }

  @Override
  public Tensor encode(Tensor symbols) {
    var shape = Channels.append(symbols.shape(), categories);
    var options = new TensorOptions(symbols.device());
    return Channels.join(
        full(shape, new Scalar(-scale), options)
            .scatter_(-1, symbols.unsqueeze(-1).to(torch.ScalarType.Long), new Scalar(scale)));
  }

  @Override
  public Tensor decode(Tensor analog) {
    return Channels.split(analog, categories).argmax(new LongOptional(-1), false);
  }

  @Override
  public Tensor codes() {
    return eye(categories).mul(new Scalar(2 * scale)).sub(new Scalar(scale));
  }
}
