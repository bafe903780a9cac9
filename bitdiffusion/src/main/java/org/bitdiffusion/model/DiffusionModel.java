package org.bitdiffusion.model;

import static org.bytedeco.pytorch.global.torch.full_like;
import static org.bytedeco.pytorch.global.torch.zeros;

import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Batch;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.diffusion.Denoiser;
import org.bitdiffusion.nn.BatchParts;
import org.bitdiffusion.nn.DenoisingNetwork;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Tensors;
import org.bitdiffusion.sampling.Known;
import org.bitdiffusion.sampling.SampleNoise;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/** A network that denoises analog bits (arXiv 2208.04202), whatever they stand for. */
public final class DiffusionModel extends Model {
  private final BitDiffusion diffusion;
  private final DenoisingNetwork network;

  /** The shape that the network has to give for an example. */
  private final List<Integer> output;

  DiffusionModel(
      RunConfig config, BitDiffusion diffusion, DenoisingNetwork network, Compute compute) {
    super(config, network, compute);
    this.diffusion = diffusion;
    this.network = network;
    output = config.signature().output();
  }

  /** The process that the network was, or will be, trained for. */
  public BitDiffusion diffusion() {
    return diffusion;
  }

  @Override
  Tensor lossOf(Batch batch, Noise.OfBatch noise) {
    return lossOf(network, batch, noise, null);
  }

  @Override
  public double backward(Batch batch, double share, Noise.OfBatch noise) {
    try (var use = use();
        var scope = new PointerScope()) {
      var parts = new BatchParts(network, noise);
      var loss = lossOf(parts, batch, noise, noise);
      loss.mul(new Scalar(share)).backward();
      parts.backward();
      return loss.item_float();
    }
  }

  /**
   * @param forDropout where the encoder's dropout draws from; null where there is none
   */
  private Tensor lossOf(Denoiser denoiser, Batch batch, Noise.OfBatch noise, Noise forDropout) {
    var symbols = symbols(batch);
    var condition =
        network.encode(forTraining(condition(batch.given(), count(batch)), noise), forDropout);
    return diffusion.loss(checked(denoiser), symbols, condition, noise);
  }

  /** Another shape than the one that was asked for might be broadcast, and then be learned. */
  private Denoiser checked(Denoiser denoiser) {
    return (xt, estimate, gamma, condition) -> {
      var given = denoiser.forward(xt, estimate, gamma, condition);
      var asked = Tensors.shape(xt.size(0), output);
      if (given == null
          || given.scalar_type().value != torch.ScalarType.Float.value
          || !Arrays.equals(given.shape(), asked)) {
        throw new ConfigurationException(
            "network.kind %s gives %s, but is asked for float32 of %s"
                .formatted(
                    config().network().kind(),
                    given == null
                        ? "nothing"
                        : precision(given) + " of " + Arrays.toString(given.shape()),
                    Arrays.toString(asked)));
      }
      return given;
    };
  }

  private static String precision(Tensor tensor) {
    var type = tensor.scalar_type();
    return type.value == torch.ScalarType.Float.value ? "float32" : type.toString();
  }

  private int count(Batch batch) {
    return batch.symbols().length / config().schema().space().places();
  }

  /** Some labels are dropped, for classifier-free guidance. */
  private Tensor forTraining(Tensor condition, Noise noise) {
    if (config().condition().classes().isEmpty()) {
      return condition;
    }
    var dropped =
        noise
            .uniform(condition.numel())
            .lt(new Scalar(config().diffusion().labelDropout()))
            .to(condition.device(), torch.ScalarType.Bool);
    return condition.masked_fill(dropped, new Scalar(Given.ANY_CLASS));
  }

  @Override
  public Samples sample(SampleRequest request, Sampler.Listener listener) {
    var space = config().schema().space();
    return drawing(
        request,
        (sampler, drawn) -> {
          Sampler.Listener watching =
              step -> {
                requireNobodyCloses();
                return listener.onStep(step);
              };
          var analog = sampler.sample(checked(new BatchParts(network)), drawn, watching);
          var codec = diffusion.codec();
          var symbols = Tensors.ints(codec.decode(analog, drawn.noise(), request.allowed()));
          request.known().ifPresent(given -> given.copyTo(symbols));
          return new Samples(space, symbols);
        });
  }

  /**
   * What the network says of each bit given what is known, before any other is drawn, and of each
   * cell of {@link org.bitdiffusion.codec.CodeWords}: log-odds, which a {@link
   * org.bitdiffusion.codec.ValuePosterior} makes probabilities of values of.
   *
   * @return row-major [N, D + cells]
   * @throws IllegalArgumentException unless {@link BitDiffusion#knowsLogOdds}
   */
  public float[] logOdds(SampleRequest request) {
    return drawing(
        request,
        (sampler, drawn) ->
            Tensors.floats(sampler.logOdds(checked(new BatchParts(network)), drawn)));
  }

  /** Has samples drawn; the request's tensors are there during the call. */
  private <T> T drawing(SampleRequest request, BiFunction<Sampler, Sampler.Request, T> draw) {
    requireFit(config(), request.sampling(), request.given());
    try (var use = use();
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var count = request.count();
      var condition = condition(request.given(), count);
      var isOfClasses = !config().condition().classes().isEmpty();
      var shape = Tensors.shape(diffusion.codec().shape(config().schema().space().shape()));
      var device = compute().newDevice();
      try (var noise = new SampleNoise(request.seed(), request.first(), count, shape, device)) {
        var known = request.known().map(k -> known(k, count, noise)).orElse(KnownBits.NONE);
        var drawn =
            new Sampler.Request(
                noise,
                network.encode(condition),
                isOfClasses ? full_like(condition, new Scalar(Given.ANY_CLASS)) : null,
                known.bits(),
                known.mask(),
                diffusion.known().something() ? known.places(symbolsOf(count)) : null,
                known.rounds(),
                request.allowed());
        return draw.apply(new Sampler(diffusion, request.sampling()), drawn);
      }
    }
  }

  /**
   * The symbols [N, C, ...] of analog bits [N, D, ...], such as a step's estimate, row-major, by a
   * codec that does not draw, or with what it draws all alike.
   */
  public int[] symbols(Tensor analog) {
    try (var scope = new PointerScope();
        var noise = new Noise.OfBatch(0, compute().newDevice())) {
      return Tensors.ints(diffusion.codec().decode(analog, noise));
    }
  }

  /** Given symbols as analog bits, with where they are. */
  private record KnownBits(Tensor bits, Tensor mask, Tensor places, int rounds) {
    static final KnownBits NONE = new KnownBits(null, null, null, 1);

    /** Which symbols they are, [N, C, ...] float32, of all samples' symbols. */
    Tensor places(Tensor symbols) {
      return places == null ? symbols : places.to(torch.ScalarType.Float);
    }
  }

  /** Zeros for the symbols of some samples, [N, C, ...] float32. */
  private Tensor symbolsOf(int count) {
    return zeros(
        Tensors.shape(count, config().schema().space().shape()),
        new TensorOptions(compute().newDevice()));
  }

  private KnownBits known(Known known, int count, Noise noise) {
    var space = config().schema().space();
    for (var i = 0; i < known.mask().length; i++) {
      var symbol = known.symbols()[i];
      var categories = space.categories(i % space.places());
      if (known.mask()[i] && (symbol < 0 || symbol >= categories)) {
        throw new IllegalArgumentException(
            "a given symbol is %d, not in 0 to %d".formatted(symbol, categories - 1));
      }
    }
    var shape = Tensors.shape(space.shape());
    var device = compute().newDevice();
    var symbols = known.symbols(count, shape).to(device, torch.ScalarType.Int);
    var places = known.places(count, shape).to(device, torch.ScalarType.Int);
    var codec = diffusion.codec();
    return new KnownBits(
        codec.encode(symbols, noise),
        codec.spread(places).ne(new Scalar(0)),
        places,
        known.rounds());
  }

  /**
   * Complains unless a run can draw such samples.
   *
   * @param run its configuration, with its schema
   * @throws ConfigurationException as {@link #sample} does, before weights are read
   */
  public static void requireFit(RunConfig run, SamplerConfig sampling, Given given) {
    new Sampler(run.newDiffusion(), sampling); // complains of what the network was not trained for
    var classes = run.condition().classes();
    if (sampling.guidance() != 0 && classes.isEmpty()) {
      throw new ConfigurationException(
          "sampling.guidance is %s; it needs a run that knows classes (diffusion.conditional)"
              .formatted(sampling.guidance()));
    }
    for (var label : given.labels()) {
      requireClass(run, label, sampling.guidance());
    }
  }

  private static void requireClass(RunConfig run, long label, double guidance) {
    var classes = run.condition().classes().size();
    if (label >= classes) {
      throw new ConfigurationException(
          classes == 0
              ? "the run was trained without classes; ask for none"
              : "class " + label + " does not exist; the run has classes 0 to " + (classes - 1));
    }
    if (guidance != 0 && label < 0) {
      throw new ConfigurationException(
          "sampling.guidance is %s; it needs a class, or set it to 0".formatted(guidance));
    }
    if ((guidance != 0 || label < 0) && !knowsAnyClass(run)) {
      throw new ConfigurationException(
          "the run was trained with diffusion.label_dropout 0: it knows its classes, but nothing of"
              + " no class in particular, which "
              + (guidance != 0 ? "guidance goes away from" : "is asked for; name a class"));
    }
  }

  /** Whether a run can be asked for samples of no class in particular: some labels were dropped. */
  public static boolean knowsAnyClass(RunConfig config) {
    return config.condition().classes().isEmpty()
        || (!config.network().autoregressive() && config.diffusion().labelDropout() > 0);
  }
}
