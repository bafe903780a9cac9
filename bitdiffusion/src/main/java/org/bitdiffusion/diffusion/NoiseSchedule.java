package org.bitdiffusion.diffusion;

import static java.util.Locale.ROOT;

import java.util.Arrays;
import org.bitdiffusion.ConfigurationException;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * gamma(t) for t in [0, 1], falling from 1 (data) to 0 (noise): x_t = sqrt(gamma) x_0 + sqrt(1 -
 * gamma) eps (arXiv 2208.04202, section 2; the schedules with parameters are those of arXiv
 * 2301.10972).
 */
public sealed interface NoiseSchedule {
  /** The smallest value of the schedules that are clipped. */
  double SMALLEST = 1e-9;

  /** gamma(t). */
  double gamma(double t);

  /** gamma of each entry of t, computed in float64, in the type of t. */
  Tensor gamma(Tensor t);

  /**
   * The schedule of a name: {@code cosine}, {@code cosine@start,end,tau}, {@code
   * sigmoid@start,end,tau} or {@code linear}; the inverse of {@code toString}.
   *
   * @throws ConfigurationException if it names none
   */
  static NoiseSchedule parse(String name) {
    var at = name.indexOf('@');
    var parameters = at < 0 ? new double[0] : numbers(name, name.substring(at + 1));
    return switch (at < 0 ? name : name.substring(0, at)) {
      case "cosine" -> {
        if (at < 0) {
          yield new Cosine();
        }
        require(name, parameters);
        if (parameters[0] < 0 || parameters[1] > 1) {
          throw unknown(name); // the cosine would not fall
        }
        yield falling(name, new ScaledCosine(parameters[0], parameters[1], parameters[2]));
      }
      case "sigmoid" -> {
        require(name, parameters);
        yield falling(name, new ScaledSigmoid(parameters[0], parameters[1], parameters[2]));
      }
      case "linear" -> {
        if (at >= 0) {
          throw unknown(name);
        }
        yield new Linear();
      }
      default -> throw unknown(name);
    };
  }

  private static double[] numbers(String name, String list) {
    try {
      return Arrays.stream(list.split(",", -1)).mapToDouble(Double::parseDouble).toArray();
    } catch (NumberFormatException e) {
      throw unknown(name);
    }
  }

  private static void require(String name, double[] parameters) {
    if (parameters.length != 3
        || !(parameters[0] < parameters[1])
        || !(parameters[2] > 0)
        || !Arrays.stream(parameters).allMatch(Double::isFinite)) {
      throw unknown(name);
    }
  }

  /** Refuses parameters so far out that the schedule is flat in float64. */
  private static NoiseSchedule falling(String name, Scaled schedule) {
    if (!(schedule.v(schedule.start()) > schedule.v(schedule.end()))) {
      throw unknown(name);
    }
    return schedule;
  }

  private static ConfigurationException unknown(String name) {
    return new ConfigurationException(
        ("schedule '%s' is unknown; use cosine, linear, cosine@start,end,tau such as"
                + " cosine@0.2,1,1, or sigmoid@start,end,tau such as sigmoid@-3,3,0.9, with start"
                + " below end and tau above 0")
            .formatted(name));
  }

  /** cos^2((t + 0.0002) / 1.00025 pi / 2), the default. */
  record Cosine() implements NoiseSchedule {
    @Override
    public double gamma(double t) {
      var c = Math.cos((t + 0.0002) / 1.00025 * Math.PI / 2);
      return c * c;
    }

    @Override
    public Tensor gamma(Tensor t) {
      return t.to(torch.ScalarType.Double)
          .add(new Scalar(0.0002))
          .mul(new Scalar(Math.PI / 2 / 1.00025))
          .cos()
          .square()
          .to(t.scalar_type());
    }

    @Override
    public String toString() {
      return "cosine";
    }
  }

  /** A falling v(u), u from start to end, scaled so that gamma(0) = 1 and gamma(1) = 0. */
  sealed interface Scaled extends NoiseSchedule {
    double start();

    double end();

    double tau();

    double v(double u);

    /** v of each entry, float64. */
    Tensor v(Tensor u);

    @Override
    default double gamma(double t) {
      var g = (v(t * (end() - start()) + start()) - v(end())) / (v(start()) - v(end()));
      return Math.min(1, Math.max(SMALLEST, g));
    }

    @Override
    default Tensor gamma(Tensor t) {
      var u =
          t.to(torch.ScalarType.Double).mul(new Scalar(end() - start())).add(new Scalar(start()));
      return v(u).sub(new Scalar(v(end())))
          .div(new Scalar(v(start()) - v(end())))
          .clamp_(new ScalarOptional(new Scalar(SMALLEST)), new ScalarOptional(new Scalar(1)))
          .to(t.scalar_type());
    }
  }

  /** v(u) = cos(u pi / 2)^(2 tau). */
  record ScaledCosine(double start, double end, double tau) implements Scaled {
    @Override
    public double v(double u) {
      return Math.pow(Math.cos(u * Math.PI / 2), 2 * tau);
    }

    @Override
    public Tensor v(Tensor u) {
      return u.mul(new Scalar(Math.PI / 2)).cos().pow(new Scalar(2 * tau));
    }

    @Override
    public String toString() {
      return String.format(ROOT, "cosine@%s,%s,%s", start, end, tau);
    }
  }

  /** v(u) = sigmoid(-u / tau). */
  record ScaledSigmoid(double start, double end, double tau) implements Scaled {
    @Override
    public double v(double u) {
      return 1 / (1 + Math.exp(u / tau));
    }

    @Override
    public Tensor v(Tensor u) {
      return u.div(new Scalar(-tau)).sigmoid();
    }

    @Override
    public String toString() {
      return String.format(ROOT, "sigmoid@%s,%s,%s", start, end, tau);
    }
  }

  /** 1 - t. */
  record Linear() implements NoiseSchedule {
    @Override
    public double gamma(double t) {
      return Math.min(1, Math.max(SMALLEST, 1 - t));
    }

    @Override
    public Tensor gamma(Tensor t) {
      return t.to(torch.ScalarType.Double)
          .neg()
          .add(new Scalar(1))
          .clamp_(new ScalarOptional(new Scalar(SMALLEST)), new ScalarOptional(new Scalar(1)))
          .to(t.scalar_type());
    }

    @Override
    public String toString() {
      return "linear";
    }
  }
}
