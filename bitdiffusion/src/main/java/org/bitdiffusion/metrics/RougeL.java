package org.bitdiffusion.metrics;

import java.util.List;

/**
 * ROUGE-L (Lin, 2004) as the COCO caption evaluation computes it.
 *
 * <p>With LCS the length of the longest common subsequence of a candidate and a reference, P is the
 * greatest LCS / (length of the candidate) and R the greatest LCS / (length of the reference), each
 * over all references, so maybe of two different ones. The score of an image is (1 + b^2) P R / (R
 * + b^2 P) with b = 1.2, or 0 where P or R is 0; that of a corpus the mean over its images.
 *
 * <p>A caption without tokens counts as one empty token, as in the evaluation's code: it scores 0,
 * except beside a reference without tokens, where it scores 1.
 */
final class RougeL {
  private static final double BETA = 1.2;
  private static final List<String> EMPTY = List.of("");

  private RougeL() {}

  /** The mean over all images, in 0 .. 1. */
  static double score(List<ScoredCaption> captions) {
    return captions.stream().mapToDouble(RougeL::ofImage).sum() / captions.size();
  }

  private static double ofImage(ScoredCaption caption) {
    var candidate = orEmpty(caption.candidate());
    var precision = 0.0;
    var recall = 0.0;
    for (var tokens : caption.references()) {
      var reference = orEmpty(tokens);
      double common = longestCommonSubsequence(candidate, reference);
      precision = Math.max(precision, common / candidate.size());
      recall = Math.max(recall, common / reference.size());
    }
    if (precision == 0 || recall == 0) {
      return 0;
    }
    return (1 + BETA * BETA) * precision * recall / (recall + BETA * BETA * precision);
  }

  private static List<String> orEmpty(List<String> tokens) {
    return tokens.isEmpty() ? EMPTY : tokens;
  }

  /** The length of it, row by row of the usual table. */
  private static int longestCommonSubsequence(List<String> a, List<String> b) {
    var row = new int[b.size() + 1];
    for (var token : a) {
      var diagonal = 0;
      for (var j = 1; j <= b.size(); j++) {
        var above = row[j];
        row[j] = token.equals(b.get(j - 1)) ? diagonal + 1 : Math.max(above, row[j - 1]);
        diagonal = above;
      }
    }
    return row[b.size()];
  }
}
