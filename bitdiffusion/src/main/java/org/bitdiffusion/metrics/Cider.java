package org.bitdiffusion.metrics;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/**
 * CIDEr (Vedantam et al., CVPR 2015) as the COCO caption evaluation computes it: the variant that
 * the paper calls CIDEr-D.
 *
 * <p>Captions are vectors of n-grams of length n, weighted by how often they occur in the caption
 * and how rare they are: count * (log N - log max(1, d)), with N the number of images and d in how
 * many of them a reference has the n-gram. A candidate x is compared with a reference y by
 *
 * <p>s_n(x, y) = (sum of min(x_i, y_i) y_i) / (|x| |y|) * exp(-(l(x) - l(y))^2 / (2 * 6^2))
 *
 * <p>or 0 where a vector is 0. The score of an image is 10 times the mean over its references and n
 * = 1 .. 4; that of a corpus the mean over its images, in 0 .. 10. The length l is the number of
 * bigrams, as in the evaluation's code: one less than the tokens, but 0 for none.
 */
final class Cider {
  private static final double SIGMA = 6;
  private static final double SCALE = 10;

  private final Map<NGram, Integer> documents;
  private final double logImages;

  private Cider(List<ScoredCaption> captions) {
    documents = documentFrequencies(captions);
    logImages = Math.log(captions.size());
  }

  /** The mean over all images. Of a single image it is 0, as no n-gram is rare then. */
  static double score(List<ScoredCaption> captions) {
    var cider = new Cider(captions);
    return captions.stream().mapToDouble(cider::ofImage).sum() / captions.size();
  }

  private static Map<NGram, Integer> documentFrequencies(List<ScoredCaption> captions) {
    var documents = new HashMap<NGram, Integer>();
    for (var caption : captions) {
      var ofImage = new HashSet<NGram>();
      for (var reference : caption.references()) {
        NGrams.of(reference).counts().forEach(counts -> ofImage.addAll(counts.keySet()));
      }
      ofImage.forEach(gram -> documents.merge(gram, 1, Integer::sum));
    }
    return documents;
  }

  private double ofImage(ScoredCaption caption) {
    var candidate = vector(caption.candidate());
    var sum = 0.0;
    for (var reference : caption.references()) {
      sum += similarity(candidate, vector(reference));
    }
    return SCALE * sum / NGrams.LONGEST / caption.references().size();
  }

  /**
   * A caption as vectors, whose entries are {@link #weight}s.
   *
   * @param norms at n - 1 the Euclidean length of the vector of n-grams of length n
   * @param length number of bigrams
   */
  private record Vector(NGrams grams, List<Double> norms, int length) {}

  private Vector vector(List<String> tokens) {
    var grams = NGrams.of(tokens);
    var norms = new ArrayList<Double>();
    for (var counts : grams.counts()) {
      var squares = 0.0;
      for (var entry : counts.entrySet()) {
        var weight = weight(entry.getKey(), entry.getValue());
        squares += weight * weight;
      }
      norms.add(Math.sqrt(squares));
    }
    return new Vector(grams, norms, Math.max(0, tokens.size() - 1));
  }

  private double weight(NGram gram, int count) {
    return count * (logImages - Math.log(documents.getOrDefault(gram, 1)));
  }

  /** The sum of s_n over n. */
  private double similarity(Vector candidate, Vector reference) {
    var sum = 0.0;
    for (var n = 1; n <= NGrams.LONGEST; n++) {
      var norms = candidate.norms().get(n - 1) * reference.norms().get(n - 1);
      if (norms == 0) {
        continue;
      }
      var product = 0.0;
      var others = reference.grams().ofLength(n);
      for (var entry : candidate.grams().ofLength(n).entrySet()) {
        // what the reference lacks adds 0
        var other = others.get(entry.getKey());
        if (other != null) {
          var weight = weight(entry.getKey(), other);
          product += Math.min(weight(entry.getKey(), entry.getValue()), weight) * weight;
        }
      }
      sum += product / norms;
    }
    var difference = (double) candidate.length() - reference.length();
    return sum * Math.exp(-difference * difference / (2 * SIGMA * SIGMA));
  }
}
