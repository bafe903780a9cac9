package org.bitdiffusion.model;

import static org.bytedeco.pytorch.global.torch.cross_entropy_loss;
import static org.bytedeco.pytorch.global.torch.log_softmax;
import static org.bytedeco.pytorch.global.torch.ones;

import java.util.Arrays;
import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.Batch;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.nn.NextSymbolNetwork;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Tensors;
import org.bitdiffusion.sampling.BeamSearch;
import org.bitdiffusion.sampling.SampleNoise;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * The baseline of arXiv 2208.04202, section 5: sequences [1, L], symbol after symbol. It has no
 * sampling steps; its samples are searched, or drawn symbol by symbol.
 */
public final class AutoregressiveModel extends Model {
  private static final BeamSearch GREEDY = new BeamSearch(1, 0);

  // What the engine's loss calls a mean, and the class that it leaves out.
  private static final long MEAN = 1;
  private static final long NOT_LEARNED = -100;

  private final NextSymbolNetwork network;

  AutoregressiveModel(RunConfig config, NextSymbolNetwork network, Compute compute) {
    super(config, network, compute);
    this.network = network;
  }

  /**
   * Complains unless examples are sequences [1, L].
   *
   * @throws ConfigurationException if they are not
   */
  static void requireSequences(RunConfig config) {
    var shape = config.schema().space().shape();
    if (shape.size() != 2 || shape.get(0) != 1) {
      throw new ConfigurationException(
          "the network gives symbol after symbol of sequences [1, L], but the data is of the shape "
              + shape);
    }
  }

  @Override
  Tensor lossOf(Batch batch, Noise.OfBatch noise) {
    var ids = symbols(batch).squeeze(1).to(torch.ScalarType.Long);
    var forDropout = GradMode.is_enabled() ? noise : null;
    var condition = network.encode(condition(batch.given(), (int) ids.size(0)), forDropout);
    var logits = network.logits(ids, condition, forDropout);
    return cross_entropy_loss(
        logits.flatten(0, 1),
        upToEnd(ids).flatten(),
        weights(logits),
        MEAN,
        NOT_LEARNED,
        0); // label smoothing
  }

  /** How much each symbol counts in the loss; none where all count the same. */
  private TensorOptional weights(Tensor logits) {
    var end = config().schema().end();
    if (end < 0 || network.endWeight() == 1) {
      return new TensorOptional();
    }
    var weights = ones(new long[] {logits.size(2)}, logits.options());
    weights.narrow(0, end, 1).fill_(new Scalar(network.endWeight()));
    return new TensorOptional(weights);
  }

  /** The symbols that are learned, with what an end counts: the loss is their weighted mean. */
  @Override
  public double weight(Batch batch) {
    var places = config().schema().space().places();
    var end = config().schema().end();
    var learned = 0.0;
    for (var first = 0; first < batch.symbols().length; first += places) {
      var length = 0;
      while (length < places && batch.symbols()[first + length] != end) {
        length++;
      }
      learned += length + (length < places ? network.endWeight() : 0);
    }
    return learned;
  }

  /** What comes after the first end is not learned. */
  private Tensor upToEnd(Tensor ids) {
    var isEnd = ids.eq(new Scalar(config().schema().end())).to(torch.ScalarType.Long);
    var after = isEnd.cumsum(1).sub(isEnd).gt(new Scalar(0));
    return ids.masked_fill(after, new Scalar(NOT_LEARNED));
  }

  /**
   * Sequences whose symbols are chosen one after the other as {@link SamplerConfig#nextSymbol}
   * says: the likeliest ones, which are always the same for the same condition, or drawn ones.
   */
  @Override
  public Samples sample(SampleRequest request, Sampler.Listener listener) {
    if (request.known().isPresent()) {
      throw new ConfigurationException(
          "the run is autoregressive: it cannot draw around symbols that are given");
    }
    for (var label : request.given().labels()) {
      if (label < 0) {
        throw new ConfigurationException(
            "the run is autoregressive: it knows its classes only, so name one of them");
      }
    }
    return request.sampling().nextSymbol().isGreedy()
        ? search(GREEDY, request.given(), request.count())
        : draw(request);
  }

  private Samples draw(SampleRequest request) {
    var how = request.sampling().nextSymbol();
    var space = config().schema().space();
    var length = space.places();
    var end = config().schema().end();
    var count = request.count();
    var drawn = new int[Math.multiplyExact(count, length)];
    Arrays.fill(drawn, Math.max(0, end));
    var each = new long[] {1}; // a number for each sequence decides
    try (var use = use();
        var scope = new PointerScope();
        var noGrad = new NoGradGuard();
        var noise =
            new SampleNoise(request.seed(), request.first(), count, each, compute().newDevice());
        var growing = network.begin(network.encode(condition(request.given(), count)))) {
      int[] last = null;
      var going = true;
      for (var place = 0; place < length && going; place++) {
        requireNobodyCloses();
        try (var step = new PointerScope()) {
          var logits = finite(growing.next(last == null ? null : longs(last)));
          last = Tensors.ints(how.choose(logits, noise.uniform(count, 1)));
        }
        going = false;
        for (var i = 0; i < count; i++) {
          var at = i * length + place;
          if (place > 0 && drawn[at - 1] == end) {
            last[i] = end; // and so it stays
          }
          drawn[at] = last[i];
          going |= last[i] != end;
        }
      }
    }
    return new Samples(space, drawn);
  }

  /**
   * The most likely sequences, found symbol by symbol.
   *
   * @param given what each is conditioned on
   * @param count N
   * @return symbols [N, 1, L], which after a sequence's end are the end again
   * @throws java.util.concurrent.CancellationException if another thread closes the model
   * @throws IllegalStateException if the model is closed
   */
  public Samples search(BeamSearch search, Given given, int count) {
    var beams = search.beams();
    int length = config().schema().space().shape().get(1);
    try (var use = use();
        var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var encoded = network.encode(condition(given, count)); // null where it is told nothing
      var condition =
          encoded == null
              ? null
              : encoded.repeat_interleave(beams, new LongOptional(0), new LongOptional());
      try (var growing = network.begin(condition)) {
        var found =
            search.search(
                count,
                length,
                config().schema().end(),
                (parents, symbols) -> {
                  requireNobodyCloses();
                  try (var step = new PointerScope()) {
                    if (beams > 1 && parents != null) {
                      growing.select(longs(parents));
                    }
                    var next =
                        log_softmax(
                            finite(growing.next(symbols == null ? null : longs(symbols))), -1);
                    var best = next.topk(Math.min(beams, next.size(1)));
                    return candidates(best.get1(), best.get0());
                  }
                });
        return samples(found);
      }
    }
  }

  /** Complains of NaN, and of numbers that are infinite or so large that their squares are. */
  private static Tensor finite(Tensor logits) {
    if (!Tensors.areFinite(logits.square())) {
      throw new DataException(
          "the network's logits of the next symbol are no finite numbers: its weights are damaged or"
              + " too large; take an earlier checkpoint, or precision float32");
    }
    return logits;
  }

  private Samples samples(List<int[]> found) {
    var space = config().schema().space();
    var symbols = new int[Math.multiplyExact(found.size(), space.places())];
    Arrays.fill(symbols, Math.max(0, config().schema().end()));
    for (var i = 0; i < found.size(); i++) {
      System.arraycopy(found.get(i), 0, symbols, i * space.places(), found.get(i).length);
    }
    return new Samples(space, symbols);
  }

  private static BeamSearch.Candidates candidates(Tensor symbols, Tensor logProbabilities) {
    var width = (int) symbols.size(1);
    var ids = Tensors.ints(symbols);
    var values = Tensors.floats(logProbabilities);
    var rows = ids.length / width;
    var idsByRow = new int[rows][];
    var valuesByRow = new float[rows][];
    for (var i = 0; i < rows; i++) {
      idsByRow[i] = Arrays.copyOfRange(ids, i * width, (i + 1) * width);
      valuesByRow[i] = Arrays.copyOfRange(values, i * width, (i + 1) * width);
    }
    return new BeamSearch.Candidates(idsByRow, valuesByRow);
  }

  private Tensor longs(int[] values) {
    return Tensor.create(Arrays.stream(values).asLongStream().toArray(), values.length)
        .to(compute().newDevice(), torch.ScalarType.Long);
  }
}
