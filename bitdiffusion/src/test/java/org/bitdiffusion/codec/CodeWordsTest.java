package org.bitdiffusion.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.Allowed.Span;
import org.bitdiffusion.data.Marginal;
import org.bitdiffusion.diffusion.BitDiffusion;
import org.bitdiffusion.diffusion.NoiseSchedule;
import org.bitdiffusion.diffusion.Objective;
import org.bitdiffusion.diffusion.SelfConditioning;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Tensors;
import org.bitdiffusion.sampling.SampleNoise;
import org.bitdiffusion.sampling.Sampler;
import org.bitdiffusion.sampling.SamplerConfig;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

class CodeWordsTest {
  private static final List<String> ENCODINGS = List.of("rank", "quantile", "tree");

  private static Marginal marginal(Random random, int segments) {
    return IntervalCodecTest.marginal(random, segments, 9, 6);
  }

  private static Intervals intervals(String encoding, Marginal marginal, int bits) {
    return switch (encoding) {
      case "rank" -> Intervals.rank(marginal, bits);
      case "quantile" -> Intervals.quantile(marginal, bits);
      default -> Intervals.tree(marginal, bits);
    };
  }

  private static List<Span> all(Marginal marginal) {
    return List.of(new Span(0, marginal.categories() - 1));
  }

  /** How often each code is drawn of values as frequent as the marginal says. */
  private static double[] drawn(Intervals intervals, Marginal marginal) {
    var draws = 2_000;
    var likelihoods = new double[1 << intervals.bits()];
    for (var value = 0; value < marginal.categories(); value++) {
      var segment = marginal.segment(value);
      var values = marginal.start(segment + 1) - marginal.start(segment);
      for (var i = 0; marginal.count(segment) > 0 && i < draws; i++) {
        likelihoods[intervals.code(value, (i + 0.5) / draws)] +=
            marginal.count(segment) / (double) marginal.total() / values / draws;
      }
    }
    return likelihoods;
  }

  @Property(tries = 30)
  void beginningsOfCodesAreAsLikelyAsTheyAreDrawn(@ForAll long seed) {
    var random = new Random(seed);
    var marginal = marginal(random, 2 + random.nextInt(60));
    for (var encoding : ENCODINGS) {
      var intervals = intervals(encoding, marginal, 1 + random.nextInt(9));
      var drawn = drawn(intervals, marginal);
      var first = random.nextInt(intervals.bits() + 1);
      var expected = new double[1 << first];
      for (var code = 0; code < drawn.length; code++) {
        expected[code >> (intervals.bits() - first)] += drawn[code];
      }
      var likelihoods = intervals.likelihoods(marginal, all(marginal), first);
      assertThat(Arrays.stream(likelihoods).sum()).isCloseTo(1, within(1e-9));
      for (var i = 0; i < expected.length; i++) {
        assertThat(likelihoods[i]).isCloseTo(expected[i], within(1e-3));
      }
    }
  }

  /** The sum over all codes of each symbol by itself, where words take them together. */
  @Property(tries = 30)
  void meansAndSurprisalsAreThoseOfBayes(@ForAll long seed) {
    var random = new Random(seed);
    var marginals =
        Stream.generate(() -> marginal(random, 2 + random.nextInt(60))).limit(7).toList();
    for (var encoding : ENCODINGS) {
      var most = 1 + random.nextInt(9);
      var codec = IntervalCodecTest.codec(encoding, marginals, most);
      var d = codec.shape(List.of(1, 7)).get(0);
      var rows = 5;
      var words = codec.words(0, random.nextInt(12), List.of());
      var cells = words.cells();
      var ofCells = new float[rows * cells];
      for (var i = 0; i < ofCells.length; i++) {
        ofCells[i] = (float) (2 * random.nextGaussian());
      }
      var odds = new float[rows * d];
      for (var i = 0; i < odds.length; i++) {
        odds[i] = (float) (6 * random.nextGaussian());
      }
      var code = new float[rows * d];
      var means = new float[rows * d];
      var surprisals = new float[rows * d];
      for (var row = 0; row < rows; row++) {
        var at = row * d;
        for (var symbol = 0; symbol < marginals.size(); symbol++) {
          var marginal = marginals.get(symbol);
          var intervals = intervals(encoding, marginal, most);
          var n = intervals.bits();
          var likelihoods = intervals.likelihoods(marginal, all(marginal), n);
          var total = 0.0;
          var entropy = 0.0;
          var mean = new double[n];
          var weights = new double[likelihoods.length];
          for (var c = 0; c < likelihoods.length; c++) {
            var dot = 0.0;
            for (var j = 0; j < n; j++) {
              dot += sign(c, j, n) * odds[at + j] / 2;
            }
            var cell = words.cells(symbol).of(n, Intervals.gray(c));
            if (cell >= 0) {
              dot += ofCells[row * cells + words.firstCell(symbol) + cell];
            }
            weights[c] = likelihoods[c] * Math.exp(dot);
            total += weights[c];
            entropy -= likelihoods[c] > 0 ? likelihoods[c] * Math.log(likelihoods[c]) : 0;
            for (var j = 0; j < n; j++) {
              mean[j] += weights[c] * sign(c, j, n);
            }
          }
          int own;
          do {
            own = random.nextInt(likelihoods.length);
          } while (likelihoods[own] == 0);
          for (var j = 0; j < n; j++) {
            code[at + j] = sign(own, j, n);
            means[at + j] = (float) (mean[j] / total);
            surprisals[at + j] =
                (float)
                    ((-Math.log(weights[own] / total) + Math.log(likelihoods[own]) + entropy) / n);
          }
          at += n;
        }
      }
      try (var scope = new PointerScope()) {
        var given = Tensor.create(odds, rows, d).set_requires_grad(true);
        var said = Tensor.create(ofCells, rows, cells);
        assertThat(Tensors.floats(words.means(given, said))).containsExactly(means, within(1e-4f));
        var result = words.surprisals(given, said, Tensor.create(code, rows, d));
        assertThat(Tensors.floats(result)).containsExactly(surprisals, within(1e-3f));
        // Of an exponential family: the gradient is how far the mean is from what was.
        result.sum().backward();
        var gradient = Tensors.floats(given.grad());
        for (var i = 0; i < gradient.length; i++) {
          assertThat(gradient[i]).isCloseTo((means[i] - code[i]) / 2, within(1e-4f));
        }
      }
    }
  }

  /** Bit j, from the first on, of a number's Gray code. */
  private static int sign(int number, int j, int bits) {
    return (Intervals.gray(number) >> (bits - 1 - j) & 1) == 1 ? 1 : -1;
  }

  /**
   * Every code that occurs is in one cell, all codes of a word are in the same, and few words have
   * one each.
   */
  @Property(tries = 50)
  void cellsDivideTheCodes(@ForAll long seed) {
    var random = new Random(seed);
    var marginal = marginal(random, 2 + random.nextInt(60));
    var bits = 1 + random.nextInt(9);
    var codec = IntervalCodecTest.codec("tree", List.of(marginal, Marginal.of(1, 1)), bits);
    var intervals = intervals("tree", marginal, bits);
    var n = intervals.bits();
    var most = 2 + random.nextInt(40);
    var cells = codec.words(1e-3, most, List.of()).cells(0);
    assertThat(cells.count()).isLessThanOrEqualTo(most);
    var likelihoods = intervals.likelihoods(marginal, all(marginal), n);
    var used = new boolean[cells.count()];
    for (var code = 0; code < likelihoods.length && cells.count() > 0; code++) {
      var gray = Intervals.gray(code);
      var in = 0;
      for (var cell = 0; cell < cells.count(); cell++) {
        if (gray >> (n - cells.fixed()[cell]) == cells.codes()[cell]) {
          in++;
          used[cell] = true;
        }
      }
      assertThat(in).isLessThanOrEqualTo(1);
      assertThat(in == 1 || likelihoods[code] < 1e-9).isTrue();
      assertThat(cells.of(n, gray) >= 0).isEqualTo(in == 1);
    }
    for (var each : used) {
      assertThat(each).isTrue();
    }
    // Where only some values are allowed, no word has parts of several cells.
    var value = random.nextInt(marginal.categories());
    var some = List.of(new Allowed(0, List.of(new Span(0, value), new Span(value, value))));
    if (marginal.count(marginal.segment(value)) > 0) {
      assertThat(codec.words(1e-3, most, some).cells(0).codes()).isEqualTo(cells.codes());
    }
  }

  /** With a cell each, what is said of values may be any law of theirs: log p minus log share. */
  @Example
  void cellsTellAnyLawOfValues() {
    var marginal = Marginal.of(5, 1, 2, 8);
    var codec = IntervalCodecTest.codec("tree", List.of(marginal), 3);
    var words = codec.words(0, 4, List.of());
    assertThat(words.cells()).isEqualTo(4);
    var law = new double[] {.1, .6, .05, .25};
    try (var scope = new PointerScope()) {
      var n = codec.shape(List.of(1, 1)).get(0);
      var said = new float[4];
      for (var value = 0; value < 4; value++) {
        var code = intervals("tree", marginal, 3).code(value, 0);
        var cell = words.cells(0).of(n, Intervals.gray(code));
        said[cell] = (float) Math.log(law[value] / (marginal.count(value) / 16.0));
      }
      var odds = new float[n + 4];
      System.arraycopy(said, 0, odds, n, 4);
      var all = new Allowed(0, List.of(new Span(0, 3)));
      var posterior = codec.posterior(words, all);
      for (var value = 0; value < 4; value++) {
        var is = value;
        assertThat(posterior.means(odds, v -> v == is ? 1 : 0)[0])
            .isCloseTo(law[value], within(1e-6));
      }
      // The means of bits are those of the law too.
      var means =
          Tensors.floats(words.means(Tensor.create(new float[n], 1, n), Tensor.create(said, 1, 4)));
      for (var j = 0; j < n; j++) {
        var mean = 0.0;
        for (var value = 0; value < 4; value++) {
          for (var i = 0; i < 64; i++) {
            var code = intervals("tree", marginal, 3).code(value, (i + 0.5) / 64);
            mean += law[value] * sign(code, j, n) / 64;
          }
        }
        assertThat(means[j]).isCloseTo((float) mean, within(1e-5f));
      }
    }
  }

  /**
   * Of two symbols with a joint law: where the network gives to the cell of each value how much
   * likelier x_t of the other symbol makes it, nothing of its own bits, the estimate is the
   * posterior mean.
   */
  @Property(tries = 20)
  void withCellsTheOtherSymbolIsAllThatANetworkHasToKnow(@ForAll long seed) {
    var random = new Random(seed);
    var law = new long[4][3];
    var counts = new long[2][];
    counts[0] = new long[4];
    counts[1] = new long[3];
    for (var v = 0; v < 4; v++) {
      for (var w = 0; w < 3; w++) {
        law[v][w] = 1 + random.nextInt(9);
        counts[0][v] += law[v][w];
        counts[1][w] += law[v][w];
      }
    }
    var marginals = List.of(Marginal.of(counts[0]), Marginal.of(counts[1]));
    var b = 0.7;
    var codec = IntervalCodecTest.codec("tree", marginals, 3);
    var objective =
        (Objective.CodeWordPosterior) Objective.of("code_words", "softmax", false, 4, codec);
    var words = objective.words();
    var n = marginals.stream().mapToInt(m -> intervals("tree", m, 3).bits()).toArray();
    var d = n[0] + n[1];
    var g = 0.05 + 0.9 * random.nextDouble();
    var xt = new float[d];
    for (var j = 0; j < d; j++) {
      xt[j] = (float) random.nextGaussian();
    }
    // How likely the noise makes x_t of each value, and with it the mean of each bit.
    var likelihood = new double[][] {new double[4], new double[3]};
    var weighted = new double[][][] {new double[4][n[0]], new double[3][n[1]]};
    for (var place = 0; place < 2; place++) {
      var of = intervals("tree", marginals.get(place), 3);
      var draws = 64;
      for (var v = 0; v < likelihood[place].length; v++) {
        for (var i = 0; i < draws; i++) {
          var code = of.code(v, (i + 0.5) / draws);
          var dot = 0.0;
          for (var j = 0; j < n[place]; j++) {
            dot += sign(code, j, n[place]) * b * Math.sqrt(g) * xt[place * n[0] + j] / (1 - g);
          }
          likelihood[place][v] += Math.exp(dot) / draws;
          for (var j = 0; j < n[place]; j++) {
            weighted[place][v][j] += sign(code, j, n[place]) * Math.exp(dot) / draws;
          }
        }
      }
    }
    var output = new float[d + words.cells()];
    var expected = new float[d];
    for (var place = 0; place < 2; place++) {
      var other = 1 - place;
      var of = intervals("tree", marginals.get(place), 3);
      var total = 0.0;
      for (var v = 0; v < likelihood[place].length; v++) {
        var given = 0.0; // the sum over the other symbol, given v
        for (var w = 0; w < likelihood[other].length; w++) {
          var both = place == 0 ? law[v][w] : law[w][v];
          given += both / (double) counts[place][v] * likelihood[other][w];
        }
        var cell = words.cells(place).of(n[place], Intervals.gray(of.code(v, 0)));
        output[d + words.firstCell(place) + cell] = (float) Math.log(given);
        total += counts[place][v] * given * likelihood[place][v];
        for (var j = 0; j < n[place]; j++) {
          expected[place * n[0] + j] += (float) (counts[place][v] * given * weighted[place][v][j]);
        }
      }
      for (var j = 0; j < n[place]; j++) {
        expected[place * n[0] + j] *= (float) (b / total);
      }
    }
    try (var scope = new PointerScope()) {
      var gamma = Tensor.create(new double[] {g}, 1, 1);
      var estimate =
          objective.estimate(
              Tensor.create(output, 1, output.length), Tensor.create(xt, 1, d), gamma);
      assertThat(Tensors.floats(estimate)).containsExactly(expected, within(1e-4f));
    }
  }

  @Example
  void fairBitsAreOneWord() {
    var word =
        CodeWords.OfSymbol.ofGray(
            3, new double[] {1, 1, 1, 1, 1, 1, 1, 1}, 0, CodeWords.Cells.NONE);
    assertThat(word.fixed()).containsExactly(0);
    // 0 and 1 are half, 2 is a quarter, and so is 3: three words, whose codes are 00, 011 and 010.
    var words =
        CodeWords.OfSymbol.ofGray(
            3, new double[] {.25, .25, .2, .3, 0, 0, 0, 0}, 0, CodeWords.Cells.NONE);
    assertThat(words.fixed()).containsExactly(2, 3, 3);
    assertThat(words.codes()).containsExactly(0, 3, 2);
    assertThat(words.shares()).containsExactly(.5, .2, .3);
    assertThat(words.entropy())
        .isCloseTo(-.5 * Math.log(.25) - .2 * Math.log(.2) - .3 * Math.log(.3), within(1e-12));
  }

  @Example
  void ofManyBitsTheFirstAreTold() {
    var counts = new long[1 << 13];
    Arrays.setAll(counts, i -> 1 + i % 7);
    var words =
        IntervalCodecTest.codec("rank", List.of(Marginal.of(counts)), 13).words(0, 0, List.of());
    try (var scope = new PointerScope()) {
      var odds = new float[13];
      odds[12] = 2;
      var means =
          Tensors.floats(
              words.means(Tensor.create(odds, 1, 13), Tensor.create(new float[0], 1, 0)));
      assertThat(means[12]).isCloseTo((float) Math.tanh(1), within(1e-5f));
    }
  }

  /** A network that knows nothing draws independent columns, each as the data has it. */
  @Property(tries = 2)
  void samplesOfANetworkThatKnowsNothingHaveTheColumnsShares(@ForAll long seed) {
    var random = new Random(seed);
    var marginals =
        List.of(Marginal.of(1, 30, 2), Marginal.of(3, 1, 1, 1, 9), marginal(random, 40));
    for (var encoding : List.of("tree", "rank")) {
      var codec = IntervalCodecTest.codec(encoding, marginals, 8);
      var n = 20_000;
      var d = codec.shape(List.of(1, 3)).get(0);
      var diffusion =
          new BitDiffusion(
              codec,
              new NoiseSchedule.Cosine(),
              Objective.of("code_words", "softmax", false, codec),
              SelfConditioning.NONE,
              0,
              false,
              false);
      var config = new SamplerConfig(100, "ddim", 0, 0, "none", 0.9, 3, "", 0);
      try (var scope = new PointerScope();
          var noise = new SampleNoise(seed, 0, n, new long[] {d}, Compute.PLAIN.newDevice())) {
        var analog =
            new Sampler(diffusion, config)
                .sample(
                    (xt, e, g, c) -> zeros_like(xt),
                    new Sampler.Request(noise, null, null),
                    Sampler.Listener.NONE);
        var symbols = Tensors.ints(codec.decode(analog, noise));
        for (var place = 0; place < 3; place++) {
          var marginal = marginals.get(place);
          var counts = new double[marginal.segments()];
          for (var i = 0; i < n; i++) {
            counts[marginal.segment(symbols[3 * i + place])]++;
          }
          var variation =
              IntStream.range(0, counts.length)
                      .mapToDouble(
                          s ->
                              Math.abs(
                                  counts[s] / n - marginal.count(s) / (double) marginal.total()))
                      .sum()
                  / 2;
          // Further than sampling error by what a finite number of steps makes.
          assertThat(variation)
              .isLessThan(1.5 * Math.sqrt(counts.length / (2 * Math.PI * n)) + 0.01);
        }
      }
    }
  }
}
