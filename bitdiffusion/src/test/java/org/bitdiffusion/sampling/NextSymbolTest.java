package org.bitdiffusion.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NextSymbolTest {
  private static final int DRAWS = 40_000;

  /** In no order, as logits are in none. */
  private static final double[] PROBABILITIES = {0.1, 0.5, 0.15, 0.25};

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  /** How often each of some symbols is chosen, where they have these probabilities. */
  private static double[] shares(NextSymbol how, double... probabilities) {
    try (var scope = new PointerScope()) {
      torch.manual_seed(1);
      var logs = Arrays.stream(probabilities).map(p -> Math.log(p) + 3).toArray();
      var logits = Tensor.create(logs, 1, logs.length).to(torch.ScalarType.Float);
      var chosen =
          Tensors.ints(how.choose(logits.expand(DRAWS, logs.length), torch.rand(DRAWS, 1)));
      var shares = new double[logs.length];
      for (var symbol : chosen) {
        shares[symbol] += 1.0 / DRAWS;
      }
      return shares;
    }
  }

  @Test
  void symbolsAreDrawnAsLikelyAsTheyAre() {
    assertThat(shares(new NextSymbol(1, 0, 1), PROBABILITIES))
        .containsExactly(PROBABILITIES, within(0.01));
  }

  /** softmax(log p / T) is p^(1/T) / sum p^(1/T); at T = 1/2, squares: 0.01, 0.25, ... of 0.345. */
  @ParameterizedTest
  @CsvSource({"0.5", "2", "0.1"})
  void theTemperatureIsAPowerOfProbabilities(double temperature) {
    var powers = Arrays.stream(PROBABILITIES).map(p -> Math.pow(p, 1 / temperature)).toArray();
    var sum = Arrays.stream(powers).sum();
    assertThat(shares(new NextSymbol(temperature, 0, 1), PROBABILITIES))
        .containsExactly(Arrays.stream(powers).map(p -> p / sum).toArray(), within(0.01));
  }

  @Test
  void oneOfTheLikeliestIsTheLikeliest() {
    for (var how :
        new NextSymbol[] {
          new NextSymbol(0, 0, 1), new NextSymbol(1, 1, 1), new NextSymbol(5, 0, 0.1)
        }) {
      assertThat(shares(how, PROBABILITIES))
          .containsExactly(new double[] {0, 1, 0, 0}, within(1e-9));
    }
  }

  @Test
  void ofTheLikeliestTheSharesStay() {
    assertThat(shares(new NextSymbol(1, 2, 1), PROBABILITIES))
        .containsExactly(new double[] {0, 2 / 3.0, 0, 1 / 3.0}, within(0.01));
    assertThat(shares(new NextSymbol(1, 9, 1), PROBABILITIES))
        .containsExactly(PROBABILITIES, within(0.01));
  }

  /**
   * 0.5 is less than 0.7, with 0.25 it is 0.75; 0.76 needs 0.15 more. At T = 2 roots decide: 0.707,
   * 0.5, 0.387 and 0.316 of 1.911, so that two of them are 0.632.
   */
  @Test
  void theNucleusIsTheFewestThatAreLikelyEnough() {
    assertThat(shares(new NextSymbol(1, 0, 0.7), PROBABILITIES))
        .containsExactly(new double[] {0, 2 / 3.0, 0, 1 / 3.0}, within(0.01));
    assertThat(shares(new NextSymbol(1, 0, 0.76), PROBABILITIES))
        .containsExactly(new double[] {0, 5 / 9.0, 1 / 6.0, 5 / 18.0}, within(0.01));
    assertThat(shares(new NextSymbol(2, 0, 0.6), PROBABILITIES))
        .containsExactly(new double[] {0, 0.5858, 0, 0.4142}, within(0.01));
    // Of the three likeliest, 5/9 and 5/18 are 0.83 together.
    assertThat(shares(new NextSymbol(1, 3, 0.8), PROBABILITIES))
        .containsExactly(new double[] {0, 2 / 3.0, 0, 1 / 3.0}, within(0.01));
  }

  /** Also where the numbers that decide are at their ends. */
  @Test
  void nothingIsChosenThatIsLeftOut() {
    try (var scope = new PointerScope()) {
      var logits = Tensor.create(new float[] {0, 1, 2, 3}, 1, 4).expand(2, 4);
      var ends = Tensor.create(new float[] {0, Math.nextDown(1f)}, 2, 1);
      assertThat(Tensors.ints(new NextSymbol(1, 2, 1).choose(logits, ends))).containsExactly(3, 2);
      assertThat(Tensors.ints(new NextSymbol(1, 0, 0.7).choose(logits, ends)))
          .containsExactly(3, 2);
      assertThat(Tensors.ints(new NextSymbol(1, 0, 1).choose(logits, ends))).containsExactly(3, 0);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "-1, 0, 1, sampling.temperature is -1.0; it must be at least 0 and at most 1000000.0",
    "NaN, 0, 1, sampling.temperature is NaN; it must be at least 0 and at most 1000000.0",
    "1, -1, 1, sampling.top_k is -1; it must be at least 0 (0: all)",
    "1, 0, 0, sampling.top_p is 0.0; it must be above 0 and at most 1"
  })
  void whatCannotBeIsNamed(double temperature, int topK, double topP, String message) {
    assertThatThrownBy(() -> new NextSymbol(temperature, topK, topP))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(message);
  }
}
