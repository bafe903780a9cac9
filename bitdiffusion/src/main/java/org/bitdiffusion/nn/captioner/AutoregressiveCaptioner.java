package org.bitdiffusion.nn.captioner;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.embedding;
import static org.bytedeco.pytorch.global.torch.empty;
import static org.bytedeco.pytorch.global.torch.full;
import static org.bytedeco.pytorch.global.torch.linear;

import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.nn.Linear;
import org.bitdiffusion.nn.NextSymbolNetwork;
import org.bitdiffusion.nn.Parameters;
import org.bitdiffusion.nn.TransformerLayer;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Lifetime;
import org.bitdiffusion.runtime.Noise;
import org.bitdiffusion.runtime.Scope;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * The baseline of arXiv 2208.04202, section 5: the decoder of {@link BitCaptioner}, but each
 * position sees only those before it, as embedded tokens, and gives a softmax over the vocabulary.
 */
public final class AutoregressiveCaptioner implements CaptionNetwork, NextSymbolNetwork {
  private static final double DEVIATION = 0.02; // of initial embeddings

  private final Parameters parameters;
  private final CaptionDecoder decoder;
  private final int vocabulary;
  private final int length;
  private final Compute compute;

  /** Of each token, and in the last row of the caption's beginning. */
  private final Tensor embeddings;

  /** Null where the embeddings are the output's weights too. */
  private final Linear output;

  /** Of the output, where the embeddings are its weights. */
  private final Tensor bias;

  private final CaptionerConfig.Tokens settings;

  /**
   * A network with random weights.
   *
   * @param vocabulary K, the number of tokens
   * @param length L, the longest caption
   * @param seed of the weights
   */
  public AutoregressiveCaptioner(
      CaptionerConfig config, int vocabulary, int length, Compute compute, long seed) {
    this.vocabulary = vocabulary;
    this.length = length;
    this.compute = compute;
    settings = config.tokens();
    try (var p = new Parameters.Builder(seed)) {
      decoder = new CaptionDecoder(p, config, length, DEVIATION, compute);
      embeddings =
          p.in("embedding")
              .uniform("weight", Math.sqrt(3) * DEVIATION, vocabulary + 1, config.width());
      var named = p.in("output");
      var shared = settings.sharedEmbedding();
      output = shared ? null : new Linear(named, config.width(), vocabulary);
      bias = shared ? named.constant("bias", 0, vocabulary) : null;
      parameters = p.build(compute);
    }
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  @Override
  public CaptionDecoder decoder() {
    return decoder;
  }

  /**
   * The logits of each token of captions, given those before it.
   *
   * @param tokens [B, L] int64
   * @param memory of their images, [B, T, M]
   * @return [B, L, K] float32
   */
  @Override
  public Tensor logits(Tensor tokens, Tensor memory) {
    return logits(tokens, memory, null);
  }

  @Override
  public Tensor logits(Tensor tokens, Tensor memory, Noise noise) {
    return parameters.compute(
        () -> {
          var begin =
              full(new long[] {tokens.size(0), 1}, new Scalar(vocabulary), tokens.options());
          var before = cat(new TensorVector(begin, tokens.narrow(1, 0, tokens.size(1) - 1)), 1);
          var x = told(embedding(embeddings, before), noise);
          var h = decoder.forward(x, 0, causal(tokens.size(1)), null, memory, noise);
          return output(h);
        });
  }

  /** Embedded tokens [B, L, D], of which some become zeros, but never the beginning. */
  private Tensor told(Tensor x, Noise noise) {
    if (noise == null || settings.dropout() == 0) {
      return x;
    }
    var kept = noise.uniform(x.size(0), x.size(1)).ge(new Scalar(settings.dropout()));
    kept.narrow(1, 0, 1).fill_(new Scalar(1));
    return x.mul(kept.unsqueeze(2).to(x.device(), x.scalar_type()));
  }

  /** Logits [..., K] float32 of [..., D]. */
  private Tensor output(Tensor h) {
    var exact = h.to(torch.ScalarType.Float);
    return output != null
        ? output.forward(exact)
        : linear(exact, embeddings.narrow(0, 0, vocabulary), new TensorOptional(bias));
  }

  @Override
  public double endWeight() {
    return settings.endWeight();
  }

  /** Minus infinity where a position would see a later one, [L, L]. */
  private Tensor causal(long positions) {
    var type = compute.precision().type();
    var everywhere =
        full(
            new long[] {positions, positions},
            new Scalar(Double.NEGATIVE_INFINITY),
            embeddings.options().requires_grad(new BoolOptional(false)));
    return everywhere.triu(1).to(type);
  }

  /** Captions that grow token by token; holds the keys and values of all positions so far. */
  @Override
  public Growing begin(Tensor memory) {
    return new Captions(memory);
  }

  /** Captions that grow token by token. Owns native memory: close it. */
  private final class Captions implements Growing {
    private final List<Cache> caches = new ArrayList<>();
    private final Lifetime lifetime = new Lifetime("the beginning of the captions");
    private final Tensor memory;
    private int done;

    private Captions(Tensor memory) {
      this.memory = Scope.owned(memory::detach);
      try {
        for (var i = 0; i < decoder.layers(); i++) {
          caches.add(new Cache(memory));
        }
      } catch (RuntimeException | Error e) {
        close();
        throw e;
      }
    }

    /**
     * The logits of the next token.
     *
     * @param last tokens [B] int64 of the position before, or null at the beginning
     * @return [B, K] float32
     */
    @Override
    public Tensor next(Tensor last) {
      try (var use = lifetime.use()) {
        return parameters.compute(() -> logits(last));
      }
    }

    private Tensor logits(Tensor last) {
      var rows = memory.size(0);
      var tokens =
          last == null
              ? full(
                  new long[] {rows},
                  new Scalar(vocabulary),
                  memory.options().dtype(new ScalarTypeOptional(torch.ScalarType.Long)))
              : last;
      var x = embedding(embeddings, tokens).unsqueeze(1);
      var h = decoder.forward(x, done, null, caches, memory, null);
      done++;
      return output(h.squeeze(1));
    }

    /**
     * Goes on with some of the captions: row i continues what row {@code rows[i]} was, which must
     * be of the same image.
     *
     * @param rows [B] int64
     */
    @Override
    public void select(Tensor rows) {
      try (var use = lifetime.use()) {
        caches.forEach(cache -> cache.select(rows));
      }
    }

    @Override
    public void close() {
      lifetime.close(
          () -> {
            caches.forEach(Cache::close);
            memory.close();
          });
    }

    /** The keys and values of one layer, [B, L, D] each. */
    private final class Cache implements TransformerLayer.Past, AutoCloseable {
      private final Tensor keys;
      private final Tensor values;

      Cache(Tensor memory) {
        var shape = new long[] {memory.size(0), length, decoder.width()};
        var options = memory.options().dtype(new ScalarTypeOptional(compute.precision().type()));
        keys = Scope.owned(() -> empty(shape, options, null));
        try {
          values = Scope.owned(() -> empty(shape, options, null));
        } catch (RuntimeException | Error e) {
          keys.close();
          throw e;
        }
      }

      @Override
      public TransformerLayer.Memory with(Tensor newKeys, Tensor newValues) {
        keys.narrow(1, done, newKeys.size(1)).copy_(newKeys);
        values.narrow(1, done, newValues.size(1)).copy_(newValues);
        var all = done + newKeys.size(1);
        return new TransformerLayer.Memory(keys.narrow(1, 0, all), values.narrow(1, 0, all));
      }

      void select(Tensor rows) {
        try (var scope = new PointerScope()) {
          for (var cache : List.of(keys, values)) {
            var seen = cache.narrow(1, 0, done);
            seen.copy_(seen.index_select(0, rows));
          }
        }
      }

      @Override
      public void close() {
        keys.close();
        values.close();
      }
    }
  }
}
