package org.bitdiffusion.metrics;

import java.util.Arrays;
import java.util.HashMap;
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

  /**
   * The length of it, by Hyyro's bit-parallel form of the usual table (Bit-parallel LCS-length
   * computation revisited, 2004): 64 cells at a time, in memory that grows with the shorter text. A
   * row of the table grows by 1 where a bit of it is 0.
   */
  static int longestCommonSubsequence(List<String> a, List<String> b) {
    if (b.size() > a.size()) {
      return longestCommonSubsequence(b, a);
    }
    var row = new long[(b.size() + 63) / 64];
    Arrays.fill(row, -1);
    var places = new HashMap<String, Places>();
    for (var i = 0; i < b.size(); i++) {
      places.computeIfAbsent(b.get(i), token -> new Places()).add(i);
    }
    var matches = new long[row.length];
    for (var token : a) {
      var here = places.get(token);
      if (here == null) {
        continue;
      }
      here.write(matches, true);
      var carry = 0L;
      for (var i = 0; i < row.length; i++) {
        var before = row[i];
        var match = before & matches[i];
        var sum = before + match;
        var carried = sum + carry;
        // of both additions at most one overflows
        carry =
            Long.compareUnsigned(sum, before) < 0 || Long.compareUnsigned(carried, sum) < 0 ? 1 : 0;
        row[i] = carried | (before - match);
      }
      here.write(matches, false);
    }
    var length = 0;
    for (var i = 0; i < b.size(); i++) {
      length += (row[i / 64] >>> i & 1) == 0 ? 1 : 0;
    }
    return length;
  }

  /** Where a token stands, as those words of a row of bits that are not 0. */
  private static final class Places {
    private int count;
    private int[] words = new int[1];
    private long[] bits = new long[1];

    void add(int place) {
      if (count == 0 || words[count - 1] != place / 64) {
        if (count == words.length) {
          words = Arrays.copyOf(words, 2 * count);
          bits = Arrays.copyOf(bits, 2 * count);
        }
        words[count++] = place / 64;
      }
      bits[count - 1] |= 1L << place;
    }

    void write(long[] row, boolean set) {
      for (var i = 0; i < count; i++) {
        row[words[i]] = set ? bits[i] : 0;
      }
    }
  }
}
