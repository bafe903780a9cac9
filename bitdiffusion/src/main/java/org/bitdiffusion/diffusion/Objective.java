package org.bitdiffusion.diffusion;

import static org.bytedeco.pytorch.global.torch.cross_entropy_loss;
import static org.bytedeco.pytorch.global.torch.log_softmax;
import static org.bytedeco.pytorch.global.torch.matmul;
import static org.bytedeco.pytorch.global.torch.mse_loss;
import static org.bytedeco.pytorch.global.torch.softmax;
import static org.bytedeco.pytorch.global.torch.softplus;

import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.Registry;
import org.bitdiffusion.codec.Channels;
import org.bitdiffusion.codec.CodeWords;
import org.bitdiffusion.codec.Codec;
import org.bitdiffusion.codec.ContinuousCodec;
import org.bitdiffusion.codec.IntervalCodec;
import org.bitdiffusion.codec.OneHotCodec;
import org.bitdiffusion.codec.UniformCodec;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.Space;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * What the network predicts and how it is scored (arXiv 2208.04202, section 3 and appendix B). In
 * all methods x_t, x_0 and eps are [B, D, ...] float32. Gamma is [B, 1, ...], best in float64: near
 * the data float32 has no digits left for its distance from 1.
 */
public sealed interface Objective {
  /** Names of what the network predicts. */
  List<String> PREDICTIONS = List.of("x0", "eps", "v", "matched_filter", "code_words");

  /** Of code words, in nats a symbol: a network learns less than this in no time. */
  double WORDS_TOLERANCE = 1e-3;

  /** Of code words, in each symbol. */
  int MOST_CELLS = 1024;

  /** Names of losses. */
  List<String> LOSSES = List.of("l2", "sigmoid", "softmax");

  /**
   * The objective of a combination of settings.
   *
   * @throws ConfigurationException if the combination makes no sense
   */
  static Objective of(String prediction, String loss, boolean softmaxFactorization, Codec codec) {
    return of(prediction, loss, softmaxFactorization, 0, codec);
  }

  /**
   * The objective of a combination of settings.
   *
   * @param cells of code words, at most, that the network has a number for in each symbol
   * @throws ConfigurationException if the combination makes no sense
   */
  static Objective of(
      String prediction, String loss, boolean softmaxFactorization, int cells, Codec codec) {
    if (cells < 0 || cells > MOST_CELLS || cells > 0 && !prediction.equals("code_words")) {
      throw new ConfigurationException(
          "diffusion.word_cells is %d; it must be 0 to %d, and goes with prediction code_words"
              .formatted(cells, MOST_CELLS));
    }
    var b = codec.scale();
    Registry.require("diffusion.loss", loss, LOSSES);
    Registry.require("diffusion.prediction", prediction, PREDICTIONS);
    if (softmaxFactorization) {
      if (!prediction.equals("x0")
          || !(loss.equals("l2") || loss.equals("softmax"))
          || codec instanceof OneHotCodec) {
        throw new ConfigurationException(
            "diffusion.softmax_factorization goes with prediction x0, loss l2 or softmax and an"
                + " encoding other than one_hot");
      }
      return new SoftmaxFactorization(
          uniform(codec, "diffusion.softmax_factorization"), loss.equals("softmax"));
    }
    if (prediction.equals("matched_filter")) {
      if (loss.equals("softmax") || codec instanceof ContinuousCodec) {
        throw new ConfigurationException(
            "diffusion.prediction matched_filter goes with encodings of bits, and loss l2 or sigmoid");
      }
      return new MatchedFilter(b, loss.equals("sigmoid"));
    }
    if (prediction.equals("code_words")) {
      if (loss.equals("sigmoid") || !(codec instanceof IntervalCodec)) {
        throw new ConfigurationException(
            "diffusion.prediction code_words goes with codec.encoding rank, quantile or tree, and"
                + " loss l2 or softmax");
      }
      var words = ((IntervalCodec) codec).words(WORDS_TOLERANCE, cells, List.of());
      return new CodeWordPosterior(b, words, cells, loss.equals("softmax"));
    }
    if (!loss.equals("l2") && !prediction.equals("x0")) {
      throw new ConfigurationException(
          "diffusion.loss " + loss + " goes with prediction x0, not " + prediction);
    }
    return switch (loss) {
      case "l2" ->
          switch (prediction) {
            case "x0" -> new X0(b);
            case "eps" -> new Eps(b);
            case "v" -> new V(b);
            default -> throw new IllegalStateException(prediction);
          };
      case "sigmoid" -> {
        if (codec instanceof ContinuousCodec) {
          throw new ConfigurationException(
              "diffusion.loss sigmoid goes with encodings of bits, not with continuous");
        }
        yield new SigmoidCrossEntropy(b);
      }
      case "softmax" -> {
        var uniform = uniform(codec, "diffusion.loss softmax");
        if (!(uniform instanceof OneHotCodec)) {
          throw new ConfigurationException(
              "diffusion.loss softmax goes with encoding one_hot, or with softmax_factorization");
        }
        yield new SoftmaxCrossEntropy(uniform.categories(), b);
      }
      default -> throw new IllegalStateException(loss);
    };
  }

  /** The codec, which a setting needs to have one K. */
  private static UniformCodec uniform(Codec codec, String setting) {
    if (codec instanceof UniformCodec uniform) {
      return uniform;
    }
    throw new ConfigurationException(
        setting
            + " goes with symbols that all have as many values; the places of this data differ:"
            + " use diffusion.loss l2 or sigmoid without softmax_factorization");
  }

  /** The shape [O, ...] of what the network outputs for an example of a space. */
  default List<Integer> output(Space space, Codec codec) {
    return codec.shape(space.shape());
  }

  /** The estimate of x_0 in a network's output, in [-b, b]. */
  Tensor estimate(Tensor output, Tensor xt, Tensor gamma);

  /** Estimates of x_0, [B, D, ...], in what a network outputs. */
  @FunctionalInterface
  interface Estimates {
    /** See {@link Objective#estimate}. */
    Tensor of(Tensor output, Tensor xt, Tensor gamma);
  }

  /**
   * Estimates where only some values are allowed.
   *
   * @param codec the one that this objective is of
   * @throws ConfigurationException if none of the values occurs, or the codec cannot do it
   */
  default Estimates estimates(Codec codec, List<Allowed> allowed) {
    var restriction = codec.restriction(allowed);
    return (output, xt, gamma) -> restriction.apply(estimate(output, xt, gamma));
  }

  /** The loss, one number. */
  Tensor loss(Tensor output, Tensor x0, Tensor eps, Tensor xt, Tensor gamma);

  /** An objective that scores each analog bit for itself, so that some can be left out. */
  sealed interface OfBits extends Objective {
    /** What each analog bit adds to the loss, which is their mean, [B, D, ...]. */
    Tensor losses(Tensor output, Tensor x0, Tensor eps, Tensor xt, Tensor gamma);

    @Override
    default Tensor loss(Tensor output, Tensor x0, Tensor eps, Tensor xt, Tensor gamma) {
      return losses(output, x0, eps, xt, gamma).mean();
    }
  }

  /** The square error of what the network outputs. */
  sealed interface SquareError extends OfBits {
    /** What the output should be, [B, D, ...]. */
    Tensor target(Tensor x0, Tensor eps, Tensor gamma);

    @Override
    default Tensor losses(Tensor output, Tensor x0, Tensor eps, Tensor xt, Tensor gamma) {
      return output.sub(target(x0, eps, gamma)).square();
    }

    @Override
    default Tensor loss(Tensor output, Tensor x0, Tensor eps, Tensor xt, Tensor gamma) {
      return mse_loss(output, target(x0, eps, gamma)); // the same in one pass
    }
  }

  /** The network outputs x_0 itself. */
  record X0(double b) implements SquareError {
    @Override
    public Tensor estimate(Tensor output, Tensor xt, Tensor gamma) {
      return clip(output, b);
    }

    @Override
    public Tensor target(Tensor x0, Tensor eps, Tensor gamma) {
      return x0;
    }
  }

  /** The network outputs the noise. */
  record Eps(double b) implements SquareError {
    @Override
    public Tensor estimate(Tensor output, Tensor xt, Tensor gamma) {
      return clip(xt.sub(noiseLevel(gamma).mul(output)).div(signalLevel(gamma)), b);
    }

    @Override
    public Tensor target(Tensor x0, Tensor eps, Tensor gamma) {
      return eps;
    }
  }

  /** The network outputs v = sqrt(gamma) eps - sqrt(1 - gamma) x_0. */
  record V(double b) implements SquareError {
    @Override
    public Tensor estimate(Tensor output, Tensor xt, Tensor gamma) {
      return clip(signalLevel(gamma).mul(xt).sub(noiseLevel(gamma).mul(output)), b);
    }

    @Override
    public Tensor target(Tensor x0, Tensor eps, Tensor gamma) {
      return signalLevel(gamma).mul(eps).sub(noiseLevel(gamma).mul(x0));
    }
  }

  /** The network outputs a logit a bit: -log sigmoid(x_0 / b * logit) (appendix B.2). */
  record SigmoidCrossEntropy(double b) implements OfBits {
    @Override
    public Tensor estimate(Tensor output, Tensor xt, Tensor gamma) {
      // b (2 sigmoid(logit) - 1)
      return output.mul(new Scalar(0.5)).tanh().mul(new Scalar(b));
    }

    @Override
    public Tensor losses(Tensor output, Tensor x0, Tensor eps, Tensor xt, Tensor gamma) {
      return softplus(x0.mul(output).mul(new Scalar(-1 / b)));
    }
  }

  /**
   * The network outputs what it knows of each bit beyond what x_t says of it, whose log-odds are
   * known: l = output + 2 b sqrt(gamma) x_t / (1 - gamma).
   */
  sealed interface Posterior extends OfBits {
    /** b. */
    double b();

    /** l, [B, D, ...]. */
    default Tensor logOdds(Tensor output, Tensor xt, Tensor gamma) {
      return output.add(evidence(xt, gamma, b()));
    }
  }

  /**
   * The bits are taken to be fair and independent but for what the network knows: with an output of
   * 0 the estimate b tanh(l / 2) is exact for such bits. Scored by the cross entropy of each bit,
   * or by the square error of the estimate.
   */
  record MatchedFilter(double b, boolean crossEntropy) implements Posterior {
    @Override
    public Tensor estimate(Tensor output, Tensor xt, Tensor gamma) {
      return logOdds(output, xt, gamma).mul(new Scalar(0.5)).tanh().mul(new Scalar(b));
    }

    @Override
    public Tensor losses(Tensor output, Tensor x0, Tensor eps, Tensor xt, Tensor gamma) {
      return crossEntropy
          ? softplus(x0.mul(logOdds(output, xt, gamma)).mul(new Scalar(-1 / b)))
          : estimate(output, xt, gamma).sub(x0).square();
    }
  }

  /**
   * What x_t and the network say of each bit meets what is known of the symbol's codes beforehand,
   * {@link CodeWords}: with an output of 0 the estimate is exact for symbols that are independent
   * of each other and as frequent as the codec says, so that the network learns how they depend on
   * each other, and nothing else. Behind the bits it outputs a number for each cell of words: what
   * other symbols say of a symbol of up to that many values is then the same whatever x_t says of
   * it, which is simple to learn; of its bits by themselves it is not. Scored by the cross entropy
   * of each symbol's code, or by the square error of the estimate.
   *
   * @param cells of a symbol at most; 0 for none
   */
  record CodeWordPosterior(double b, CodeWords words, int cells, boolean crossEntropy)
      implements Posterior {
    @Override
    public List<Integer> output(Space space, Codec codec) {
      return List.of(codec.shape(space.shape()).get(0) + words.cells());
    }

    /** The words that are left keep their shares among each other. */
    @Override
    public Estimates estimates(Codec codec, List<Allowed> allowed) {
      if (allowed.isEmpty()) {
        return this::estimate;
      }
      var some = ((IntervalCodec) codec).words(WORDS_TOLERANCE, cells, allowed);
      return new CodeWordPosterior(b, some, cells, crossEntropy)::estimate;
    }

    /** l of the bits, [B, D]. */
    @Override
    public Tensor logOdds(Tensor output, Tensor xt, Tensor gamma) {
      return Posterior.super.logOdds(output.narrow(1, 0, xt.size(1)), xt, gamma);
    }

    /** What the network says of cells, [B, cells]. */
    public Tensor ofCells(Tensor output) {
      return output.narrow(1, output.size(1) - words.cells(), words.cells());
    }

    @Override
    public Tensor estimate(Tensor output, Tensor xt, Tensor gamma) {
      return words.means(logOdds(output, xt, gamma), ofCells(output)).mul(new Scalar(b));
    }

    @Override
    public Tensor losses(Tensor output, Tensor x0, Tensor eps, Tensor xt, Tensor gamma) {
      return crossEntropy
          ? words.surprisals(logOdds(output, xt, gamma), ofCells(output), x0.div(new Scalar(b)))
          : estimate(output, xt, gamma).sub(x0).square();
    }
  }

  /** The network outputs K logits a symbol, for one hot codes (appendix B.3). */
  record SoftmaxCrossEntropy(int categories, double b) implements Objective {
    @Override
    public Tensor estimate(Tensor output, Tensor xt, Tensor gamma) {
      var probabilities = softmax(Channels.split(output, categories), -1);
      return Channels.join(probabilities.mul(new Scalar(2 * b)).sub(new Scalar(b)));
    }

    @Override
    public Tensor loss(Tensor output, Tensor x0, Tensor eps, Tensor xt, Tensor gamma) {
      var logProbabilities = log_softmax(Channels.split(output, categories), -1);
      var isCategory = Channels.split(x0, categories).gt(new Scalar(0)).to(torch.ScalarType.Float);
      // The mean over all entries times K is the mean over symbols of the sum over categories.
      return logProbabilities.mul(isCategory).mean().mul(new Scalar(-categories));
    }
  }

  /**
   * The network outputs K logits a symbol; the prediction of its bits is the mean code under their
   * softmax (section 3.1). Scored by the square error of that, or by the cross entropy of the
   * symbol, as with one hot codes (appendix B.3), of which the mean is what is predicted too. With
   * either, the best prediction is the mean of x_0 given x_t; the second keeps its gradient where
   * the network is sure of a wrong symbol.
   */
  record SoftmaxFactorization(UniformCodec codec, boolean crossEntropy) implements Objective {
    @Override
    public List<Integer> output(Space space, Codec codec) {
      var shape = new ArrayList<>(space.shape());
      shape.set(0, Math.multiplyExact(shape.get(0), this.codec.categories()));
      return List.copyOf(shape);
    }

    @Override
    public Tensor estimate(Tensor output, Tensor xt, Tensor gamma) {
      var probabilities = softmax(Channels.split(output, codec.categories()), -1);
      var codes = codec.codes().to(output.device(), torch.ScalarType.Float);
      return Channels.join(matmul(probabilities, codes));
    }

    @Override
    public Tensor loss(Tensor output, Tensor x0, Tensor eps, Tensor xt, Tensor gamma) {
      if (crossEntropy) {
        var logits = Channels.split(output, codec.categories());
        return cross_entropy_loss(
            logits.flatten(0, (int) logits.dim() - 2), codec.decode(x0).flatten());
      }
      return mse_loss(estimate(output, xt, gamma), x0);
    }
  }

  /**
   * The log-odds of fair bits -b and b given x_t alone, 2 b sqrt(gamma) x_t / (1 - gamma), float32.
   */
  static Tensor evidence(Tensor xt, Tensor gamma, double b) {
    var surest = 30; // what is surer adds nothing that float32 can tell
    var slope =
        gamma
            .sqrt()
            .div(gamma.neg().add(new Scalar(1)))
            .mul(new Scalar(2 * b))
            .to(torch.ScalarType.Float);
    return clip(slope.mul(xt), surest);
  }

  private static Tensor clip(Tensor x, double b) {
    return x.clamp(new ScalarOptional(new Scalar(-b)), new ScalarOptional(new Scalar(b)));
  }

  /** sqrt(gamma) in float32: the part of x_0 in x_t. */
  static Tensor signalLevel(Tensor gamma) {
    return gamma.sqrt().to(torch.ScalarType.Float);
  }

  /** sqrt(1 - gamma) in float32: the part of eps in x_t. */
  static Tensor noiseLevel(Tensor gamma) {
    return gamma.neg().add(new Scalar(1)).sqrt().to(torch.ScalarType.Float);
  }
}
