package org.bitdiffusion.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class BeamSearchTest {
  private static final int END = 0;

  /** A model from the probabilities of the next token given the tokens so far. */
  private static BeamSearch.Model model(
      int rows, int best, Function<List<Integer>, double[]> distribution) {
    var sequences = new ArrayList<List<Integer>>();
    return (parents, tokens) -> {
      var before = List.copyOf(sequences);
      sequences.clear();
      for (var i = 0; i < rows; i++) {
        var sequence = new ArrayList<Integer>();
        if (parents != null) {
          sequence.addAll(before.get(parents[i]));
          sequence.add(tokens[i]);
        }
        sequences.add(sequence);
      }
      var ids = new int[rows][];
      var values = new float[rows][];
      for (var i = 0; i < rows; i++) {
        var p = distribution.apply(sequences.get(i));
        ids[i] =
            Arrays.stream(indexes(p.length))
                .boxed()
                .sorted(Comparator.comparingDouble(j -> -p[j]))
                .mapToInt(j -> j)
                .limit(best)
                .toArray();
        values[i] = new float[ids[i].length];
        for (var j = 0; j < ids[i].length; j++) {
          values[i][j] = (float) Math.log(p[ids[i][j]]);
        }
      }
      return new BeamSearch.Candidates(ids, values);
    };
  }

  private static int[] indexes(int n) {
    var all = new int[n];
    Arrays.setAll(all, i -> i);
    return all;
  }

  /** Greedy takes 1 (0.6) and then at best 0.6 * 0.4; the best is 2, end: 0.4 * 0.9 = 0.36. */
  private static final Map<List<Integer>, double[]> TRAP =
      Map.of(
          List.of(), new double[] {0.0, 0.6, 0.4},
          List.of(1), new double[] {0.3, 0.4, 0.3},
          List.of(2), new double[] {0.9, 0.05, 0.05},
          List.of(1, 1), new double[] {0.8, 0.1, 0.1},
          List.of(1, 2), new double[] {0.8, 0.1, 0.1});

  private static double[] trap(List<Integer> sequence) {
    return TRAP.getOrDefault(sequence, new double[] {0.5, 0.25, 0.25});
  }

  @Test
  void findsWhatGreedyMisses() {
    var greedy = new BeamSearch(1, 0).search(1, 5, END, model(1, 1, BeamSearchTest::trap));
    assertThat(greedy.get(0)).containsExactly(1, 1, END); // 0.6 * 0.4 * 0.8 = 0.192
    var two = new BeamSearch(2, 0).search(1, 5, END, model(2, 2, BeamSearchTest::trap));
    assertThat(two.get(0)).containsExactly(2, END);
  }

  /** By log p / n: 2, end has log 0.36 / 2 = -0.51, and 1, 1, end log 0.192 / 3 = -0.55. */
  @Test
  void theLengthPenaltyPrefersLongerSequences() {
    // With the square of the length: -0.255 against -0.183.
    var long2 = new BeamSearch(3, 2).search(1, 3, END, model(3, 3, BeamSearchTest::trap));
    assertThat(long2.get(0)).containsExactly(1, 1, END);
    var long1 = new BeamSearch(3, 1).search(1, 3, END, model(3, 3, BeamSearchTest::trap));
    assertThat(long1.get(0)).containsExactly(2, END);
  }

  @Test
  void withAsManyBeamsAsSequencesItIsExact() {
    // 3 tokens, at most 3 of them: 27 sequences at most.
    for (var seed = 0; seed < 50; seed++) {
      var start = seed;
      Function<List<Integer>, double[]> distribution =
          sequence -> {
            var random = new SplittableRandom(start * 1000L + sequence.hashCode());
            var p = random.doubles(3, 0.01, 1).toArray();
            var sum = Arrays.stream(p).sum();
            return Arrays.stream(p).map(x -> x / sum).toArray();
          };
      var found = new BeamSearch(27, 0).search(1, 3, END, model(27, 3, distribution));
      assertThat(found.get(0)).as("seed %d", seed).containsExactly(best(distribution));
    }
  }

  private static int[] best(Function<List<Integer>, double[]> distribution) {
    var best = new ArrayList<Integer>();
    best(distribution, new ArrayList<>(), 1, new double[1], best);
    return best.stream().mapToInt(i -> i).toArray();
  }

  private static void best(
      Function<List<Integer>, double[]> distribution,
      List<Integer> sequence,
      double p,
      double[] most,
      List<Integer> best) {
    if (sequence.size() == 3 || (!sequence.isEmpty() && sequence.contains(END))) {
      if (p > most[0]) {
        most[0] = p;
        best.clear();
        best.addAll(sequence);
      }
      return;
    }
    var next = distribution.apply(sequence);
    for (var token = 0; token < next.length; token++) {
      sequence.add(token);
      best(distribution, sequence, p * next[token], most, best);
      sequence.remove(sequence.size() - 1);
    }
  }

  @Test
  void sequencesDoNotMix() {
    // The second sequence always ends at once.
    var rows = new int[] {0};
    BeamSearch.Model model =
        (parents, tokens) -> {
          rows[0]++;
          if (parents != null) {
            assertThat(parents[0]).isBetween(0, 1);
            assertThat(parents[2]).isBetween(2, 3);
          }
          var ids = new int[][] {{1, 2}, {1, 2}, {END, 1}, {END, 1}};
          var values = new float[4][];
          Arrays.fill(values, new float[] {-0.1f, -2});
          return new BeamSearch.Candidates(ids, values);
        };
    var found = new BeamSearch(2, 0).search(2, 4, END, model);
    assertThat(found.get(0)).containsExactly(1, 1, 1, 1); // cut
    assertThat(found.get(1)).containsExactly(END);
    assertThat(rows[0]).isEqualTo(4);
  }

  @Test
  void beamsThatCannotBeAreRefused() {
    assertThatThrownBy(() -> new BeamSearch(0, 0)).hasMessageContaining("0 beams");
    assertThatThrownBy(() -> new BeamSearch(Integer.MAX_VALUE, 0)).hasMessageContaining("beams");
    assertThatThrownBy(() -> new BeamSearch(1, -1)).hasMessageContaining("length penalty -1");
  }
}
