package org.bitdiffusion.model;

import java.util.List;
import java.util.Optional;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.sampling.Known;
import org.bitdiffusion.sampling.SampleNoise;
import org.bitdiffusion.sampling.SamplerConfig;

/**
 * Which samples to draw, and how.
 *
 * @param sampling how they are drawn; a model takes no notice of what is of other models only
 * @param seed of all noise
 * @param first index of the first sample: sample i, below 2^32, depends on the seed and on i alone
 * @param count N
 * @param given what each is conditioned on; {@link Given#NONE} where the model is told nothing
 * @param known symbols that are given
 * @param allowed values that some places may have, of all samples alike
 */
public record SampleRequest(
    SamplerConfig sampling,
    long seed,
    long first,
    int count,
    Given given,
    Optional<Known> known,
    List<Allowed> allowed) {
  /** Samples that may have all values. */
  public SampleRequest(
      SamplerConfig sampling,
      long seed,
      long first,
      int count,
      Given given,
      Optional<Known> known) {
    this(sampling, seed, first, count, given, known, List.of());
  }

  public SampleRequest {
    allowed = List.copyOf(allowed);
    if (first < 0 || count < 1 || first > SampleNoise.MOST_SAMPLES - count) {
      throw new IllegalArgumentException("no samples: first %d, count %d".formatted(first, count));
    }
  }

  /** The first samples of a seed. */
  public static SampleRequest of(SamplerConfig sampling, long seed, int count, Given given) {
    return new SampleRequest(sampling, seed, 0, count, given, Optional.empty());
  }

  /** The same samples, drawn in another way. */
  public SampleRequest with(SamplerConfig other) {
    return new SampleRequest(other, seed, first, count, given, known, allowed);
  }

  /**
   * Samples {@code from} .. {@code from + some - 1} of these.
   *
   * @param places of one sample
   */
  public SampleRequest part(int from, int some, int places) {
    return new SampleRequest(
        sampling,
        seed,
        first + from,
        some,
        given.part(from, some, count),
        known.map(k -> k.part(from, some, count, places)),
        allowed);
  }
}
