package org.bitdiffusion.training;

import static org.bytedeco.pytorch.global.torch.cross_entropy_loss;
import static org.bytedeco.pytorch.global.torch.log_softmax;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.nn.AutoregressiveCaptioner;
import org.bitdiffusion.nn.BitCaptioner;
import org.bitdiffusion.nn.CaptionNetwork;
import org.bitdiffusion.nn.CaptionerConfig;
import org.bitdiffusion.nn.Safetensors;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bitdiffusion.text.BeamSearch;
import org.bitdiffusion.text.Tokenizer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Describes images: an image encoder and a decoder of captions. */
public final class CaptionModel extends Model {
  /** What published weights have beyond a network of features: last layers, and counters. */
  private static final Pattern UNUSED =
      Pattern.compile("(head|fc|pre_logits)\\..*|.*\\.num_batches_tracked");

  private final CaptionNetwork network;
  private final int length;

  private CaptionModel(
      RunConfig config, BitDiffusion diffusion, CaptionNetwork network, Compute compute) {
    super(config, diffusion, network, compute);
    this.network = network;
    length = config.captions().length();
  }

  /** Random weights, from the engine's generator. */
  static CaptionModel create(RunConfig config, CaptionerConfig size, Compute compute) {
    var encoder = size.encoder();
    var part = config.training().batchSize() / config.training().accumulation();
    if (encoder.kind().equals("resnet50")
        && !encoder.frozen()
        && encoder.imageSize() <= 32
        && part == 1) {
      throw new ConfigurationException(
          "a resnet50 needs more than one value for the statistics of a batch: larger images, or"
              + " more than one of them in each part of training.batch_size");
    }
    var length = config.captions().length();
    if (!size.decoder().equals("bits")) {
      var network =
          new AutoregressiveCaptioner(size, config.example().categories(), length, compute);
      return new CaptionModel(config, null, network, compute);
    }
    var diffusion = config.newDiffusion();
    var bits = diffusion.codec().bits();
    var network =
        new BitCaptioner(size, bits, diffusion.objective().outputs(bits), length, compute);
    return new CaptionModel(config, diffusion, network, compute);
  }

  /**
   * The newest checkpoint of a run, with the moving average of its weights.
   *
   * @param precision {@code auto}, {@code float32} or {@code bfloat16}
   * @throws ConfigurationException if the folder is none of a run of captions
   * @throws org.bitdiffusion.DataException if it has no checkpoint, or a damaged one
   */
  public static CaptionModel load(Path run, String precision) {
    var model = Model.load(run, precision);
    if (model instanceof CaptionModel captions) {
      return captions;
    }
    model.close();
    throw new ConfigurationException(run + " makes images, no captions; use 'sample'");
  }

  /**
   * The tokenizer of a run, which the caller closes.
   *
   * @throws org.bitdiffusion.DataException if its file is missing or damaged, or has another
   *     vocabulary than the run
   */
  public static Tokenizer tokenizer(Path run) {
    var folder = RunFolder.open(run);
    var categories = folder.config(Map.of()).example().categories();
    var tokenizer = Tokenizer.load(folder.tokenizer());
    if (tokenizer.vocabulary() != categories) {
      var vocabulary = tokenizer.vocabulary();
      tokenizer.close();
      throw new DataException(
          "%s has a vocabulary of %d, but the run was trained with %d: it is another run's"
              .formatted(folder.tokenizer(), vocabulary, categories));
    }
    return tokenizer;
  }

  @Override
  void readPretrained() {
    var encoder = ((CaptionerConfig) config().network()).encoder();
    if (encoder.weights().isEmpty()) {
      return;
    }
    var file = Path.of(encoder.weights());
    var names = Safetensors.names(file);
    var ofCaptioner = names.stream().anyMatch(name -> name.startsWith(CaptionNetwork.ENCODER));
    var byName = network.encoder(ofCaptioner ? CaptionNetwork.ENCODER : "");
    try {
      for (var name : names) {
        if (!ofCaptioner && !byName.containsKey(name) && !UNUSED.matcher(name).matches()) {
          throw new DataException(file + " has a tensor '" + name + "', which the network lacks");
        }
      }
      Safetensors.readSome(file, byName);
    } catch (DataException e) {
      throw new DataException(
          e.getMessage() + " (the settings network.encoder make a " + encoder.kind() + ")", e);
    }
  }

  /** Side S of the images that it reads. */
  public int side() {
    return ((CaptionerConfig) config().network()).encoder().imageSize();
  }

  /** Whether captions are sampled in steps, all tokens at once; else they are searched. */
  public boolean hasSteps() {
    return network instanceof BitCaptioner;
  }

  @Override
  Tensor loss(Batches.Batch batch) {
    var size = batch.labels().length;
    var tokens = Tensor.create(batch.symbols(), size, length);
    var memory = network.memory(images(batch.condition(), size));
    if (network instanceof BitCaptioner bits) {
      return diffusion.loss(bits, onDevice(tokens.unsqueeze(1)), memory);
    }
    var captioner = (AutoregressiveCaptioner) network;
    var ids = onDevice(tokens).to(torch.ScalarType.Long);
    var logits = captioner.logits(ids, memory);
    return cross_entropy_loss(logits.flatten(0, 1), upToEnd(ids).flatten());
  }

  /** What comes after the first end token is not learned: -100 is what the loss leaves out. */
  private Tensor upToEnd(Tensor ids) {
    var isEnd = ids.eq(new Scalar(config().example().end())).to(torch.ScalarType.Long);
    var after = isEnd.cumsum(1).sub(isEnd).gt(new Scalar(0));
    return ids.masked_fill(after, new Scalar(-100));
  }

  private Tensor onDevice(Tensor tensor) {
    return tensor.to(compute().newDevice(), tensor.scalar_type());
  }

  /** Bytes [B, 3, S, S] to values in [0, 1]. */
  private Tensor images(byte[] rgb, int count) {
    return Tensor.create(rgb, false, count, 3, side(), side())
        .to(compute().newDevice(), torch.ScalarType.Float)
        .div(new Scalar(255));
  }

  /**
   * Captions of images, as tokens, all positions at once: samples first .. first + count - 1 of a
   * seed.
   *
   * @param rgb the images, unsigned, [N, 3, S, S]
   * @param listener sees each step
   * @return [N, L]
   */
  public int[] sample(
      SamplerConfig sampling, long seed, long first, byte[] rgb, Sampler.Listener listener) {
    if (!(network instanceof BitCaptioner bits)) {
      throw new ConfigurationException(
          "the run's decoder is autoregressive: it has no sampling steps; leave them out");
    }
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var count = count(rgb);
      var memory = network.memory(images(rgb, count));
      var shape = new long[] {diffusion.codec().bits(), length};
      var request = new Sampler.Request(seed, first, count, shape, memory, null);
      var analog =
          new Sampler(diffusion, sampling).sample(bits, request, compute().newDevice(), listener);
      return symbols(analog);
    }
  }

  /**
   * The most likely captions of images, found token by token.
   *
   * @param rgb the images, unsigned, [N, 3, S, S]
   * @return for each its tokens, with the end token where it fits
   */
  public List<int[]> search(BeamSearch search, byte[] rgb) {
    if (!(network instanceof AutoregressiveCaptioner captioner)) {
      throw new ConfigurationException(
          "the run's decoder makes all tokens at once; beams are for autoregressive ones");
    }
    var beams = search.beams();
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var count = count(rgb);
      var memory =
          network
              .memory(images(rgb, count))
              .repeat_interleave(beams, new LongOptional(0), new LongOptional());
      try (var growing = captioner.begin(memory)) {
        return search.search(
            count,
            length,
            config().example().end(),
            (parents, tokens) -> {
              try (var step = new PointerScope()) {
                if (beams > 1 && parents != null) {
                  growing.select(longs(parents));
                }
                var next = log_softmax(growing.next(tokens == null ? null : longs(tokens)), -1);
                var best = next.topk(Math.min(beams, next.size(1)));
                return candidates(best.get1(), best.get0());
              }
            });
      }
    }
  }

  private BeamSearch.Candidates candidates(Tensor tokens, Tensor logProbabilities) {
    var width = (int) tokens.size(1);
    var ids = ints(tokens);
    var values = floats(logProbabilities);
    var rows = ids.length / width;
    var tokensByRow = new int[rows][];
    var valuesByRow = new float[rows][];
    for (var i = 0; i < rows; i++) {
      tokensByRow[i] = Arrays.copyOfRange(ids, i * width, (i + 1) * width);
      valuesByRow[i] = Arrays.copyOfRange(values, i * width, (i + 1) * width);
    }
    return new BeamSearch.Candidates(tokensByRow, valuesByRow);
  }

  private Tensor longs(int[] values) {
    return Tensor.create(Arrays.stream(values).asLongStream().toArray(), values.length)
        .to(compute().newDevice(), torch.ScalarType.Long);
  }

  private int count(byte[] rgb) {
    return rgb.length / (3 * side() * side());
  }

  /** The texts of rows of tokens [N, L]. */
  public List<String> texts(Tokenizer tokenizer, int[] tokens) {
    var texts = new ArrayList<String>();
    for (var offset = 0; offset < tokens.length; offset += length) {
      texts.add(tokenizer.decode(tokens, offset, length));
    }
    return texts;
  }
}
