package org.bitdiffusion.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Looks for the most likely sequences of a model that gives the next token, keeping the best few
 * beginnings of each as it goes. With one beginning it is greedy.
 *
 * @param beams W, the beginnings that are kept, at most {@value #MOST_BEAMS}
 * @param lengthPenalty a: sequences of n tokens are compared by log p / n^a; 0 is the likelihood
 *     itself, which favours short ones
 */
public record BeamSearch(int beams, double lengthPenalty) {
  /** A model of the next token for many rows. */
  @FunctionalInterface
  public interface Model {
    /**
     * @param parents for each row, which row of the call before it continues; null at first
     * @param tokens for each row, the token that it was continued with; null at first
     * @return for each row, its likeliest next tokens, at least W where there are as many
     */
    Candidates next(int[] parents, int[] tokens);
  }

  /**
   * The likeliest next tokens of each row, in any order.
   *
   * @param tokens [rows, n]
   * @param logProbabilities [rows, n]
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Candidates(int[][] tokens, float[][] logProbabilities) {}

  /** A sequence, ended or not. */
  private record Sequence(int row, int[] tokens, double logProbability, boolean ended) {
    double score(double lengthPenalty) {
      return logProbability / Math.pow(Math.max(1, tokens.length), lengthPenalty);
    }
  }

  /** Far more than any search gains by; each is a row of the decoder. */
  public static final int MOST_BEAMS = 1000;

  public BeamSearch {
    if (beams < 1 || beams > MOST_BEAMS || !(lengthPenalty >= 0)) {
      throw new IllegalArgumentException(beams + " beams, length penalty " + lengthPenalty);
    }
  }

  /**
   * @param count N, the number of sequences to find; the model has N W rows, those of a sequence
   *     together
   * @param length after which sequences are cut
   * @param end the token that ends a sequence; it is part of the result
   * @return the best sequence of each
   */
  public List<int[]> search(int count, int length, int end, Model model) {
    var beginnings = new ArrayList<List<Sequence>>();
    for (var i = 0; i < count; i++) {
      beginnings.add(List.of(new Sequence(i * beams, new int[0], 0, false)));
    }
    int[] parents = null;
    int[] tokens = null;
    for (var position = 0; position < length; position++) {
      var candidates = model.next(parents, tokens);
      parents = new int[count * beams];
      tokens = new int[count * beams];
      var going = false;
      for (var i = 0; i < count; i++) {
        var best = best(beginnings.get(i), candidates, end);
        beginnings.set(i, new ArrayList<>());
        for (var w = 0; w < beams; w++) {
          // Rows without a sequence of their own repeat the last one and are not looked at.
          var sequence = best.get(Math.min(w, best.size() - 1));
          parents[i * beams + w] = sequence.row();
          tokens[i * beams + w] =
              sequence.tokens().length == 0 ? end : sequence.tokens()[sequence.tokens().length - 1];
          if (w < best.size()) {
            beginnings
                .get(i)
                .add(
                    new Sequence(
                        i * beams + w,
                        sequence.tokens(),
                        sequence.logProbability(),
                        sequence.ended()));
            going |= !sequence.ended();
          }
        }
      }
      if (!going) {
        break;
      }
    }
    return beginnings.stream()
        .map(
            sequences ->
                sequences.stream()
                    .max(Comparator.comparingDouble(s -> s.score(lengthPenalty)))
                    .orElseThrow()
                    .tokens())
        .toList();
  }

  /** The best W of the ended beginnings and of all continuations of the others. */
  private List<Sequence> best(List<Sequence> beginnings, Candidates candidates, int end) {
    var all = new ArrayList<Sequence>();
    for (var beginning : beginnings) {
      if (beginning.ended()) {
        all.add(beginning);
        continue;
      }
      var next = candidates.tokens()[beginning.row()];
      for (var j = 0; j < next.length; j++) {
        var longer = Arrays.copyOf(beginning.tokens(), beginning.tokens().length + 1);
        longer[longer.length - 1] = next[j];
        all.add(
            new Sequence(
                beginning.row(),
                longer,
                beginning.logProbability() + candidates.logProbabilities()[beginning.row()][j],
                next[j] == end));
      }
    }
    all.sort(Comparator.comparingDouble((Sequence s) -> s.score(lengthPenalty)).reversed());
    return List.copyOf(all.subList(0, Math.min(beams, all.size())));
  }
}
