package org.bitdiffusion.metrics;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;

/**
 * BLEU of a corpus (Papineni et al., ACL 2002) as the COCO caption evaluation computes it.
 *
 * <p>With g_k the number of n-grams of length k in all candidates and c_k how many of them are
 * right, where an n-gram of a candidate is right at most as often as it occurs in one of its
 * references,
 *
 * <p>BLEU-n = (product of (c_k + 1e-15) / (g_k + 1e-9) for k = 1 .. n)^(1/n) * min(1, exp(1 - 1/q))
 *
 * <p>with q = (c + 1e-15) / (r + 1e-9), c the length of all candidates and r that of the references
 * closest in length to their candidates, the shorter of two that are equally close. The small
 * numbers are the evaluation's: with them a corpus without n-grams scores almost 0, and a perfect
 * one almost 1.
 */
final class Bleu {
  private static final double TINY = 1e-15;
  private static final double SMALL = 1e-9;

  private Bleu() {}

  /** BLEU-1 to BLEU-4, each in 0 .. 1. */
  static double[] scores(List<ScoredCaption> captions) {
    var right = new long[NGrams.LONGEST];
    var guessed = new long[NGrams.LONGEST];
    var length = 0L;
    var referenceLength = 0L;
    for (var caption : captions) {
      var size = caption.candidate().size();
      length += size;
      referenceLength += closestLength(caption);
      var candidate = NGrams.of(caption.candidate());
      var references = caption.references().stream().map(NGrams::of).toList();
      for (var n = 1; n <= NGrams.LONGEST; n++) {
        guessed[n - 1] += Math.max(0, size - n + 1);
        var most = new HashMap<NGram, Integer>();
        for (var reference : references) {
          reference.ofLength(n).forEach((gram, count) -> most.merge(gram, count, Math::max));
        }
        for (var entry : candidate.ofLength(n).entrySet()) {
          right[n - 1] += Math.min(entry.getValue(), most.getOrDefault(entry.getKey(), 0));
        }
      }
    }
    var ratio = (length + TINY) / (referenceLength + SMALL);
    var brevityPenalty = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
    var scores = new double[NGrams.LONGEST];
    var product = 1.0;
    for (var n = 1; n <= NGrams.LONGEST; n++) {
      product *= (right[n - 1] + TINY) / (guessed[n - 1] + SMALL);
      scores[n - 1] = Math.pow(product, 1.0 / n) * brevityPenalty;
    }
    return scores;
  }

  private static int closestLength(ScoredCaption caption) {
    var size = caption.candidate().size();
    return caption.references().stream()
        .map(List::size)
        .min(
            Comparator.comparingInt((Integer length) -> Math.abs(length - size))
                .thenComparing(Comparator.naturalOrder()))
        .orElseThrow();
  }
}
