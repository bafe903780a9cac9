package org.bitdiffusion.nn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import org.bitdiffusion.runtime.Compute;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class ParametersTest {
  private static Tensor[] weights(Parameters.Builder builder) {
    return new Tensor[] {
      builder.uniform("w", 0.5, 3, 2),
      builder.in("part").fixed().constant("mean", 7, 2),
      builder.in("part").constant("b", 1, 2)
    };
  }

  @Test
  void weightsLieInOneTensorThoseOfFixedPartsLast() {
    var made = new ArrayList<Tensor>();
    try (var builder = new Parameters.Builder(0);
        var parameters = collect(builder, made)) {
      builder.close(); // leaves what was built alone
      assertThat(parameters.byName()).containsOnlyKeys("w", "part.b", "part.mean");
      assertThat(parameters.count()).isEqualTo(10);
      assertThat(parameters.trained().numel()).isEqualTo(8);
      var values = parameters.values().createBuffer();
      assertThat(values.remaining()).isEqualTo(40 / 4);
      parameters.values().zero_();
      assertThat(made).allMatch(weight -> weight.abs().max().item_float() == 0);
    }
    assertThat(made).allMatch(weight -> weight.isNull());
  }

  private static Parameters collect(Parameters.Builder builder, ArrayList<Tensor> made) {
    for (var weight : weights(builder)) {
      made.add(weight);
    }
    return builder.build(Compute.PLAIN);
  }

  /** As where a layer complains of its size, in the middle of a network's constructor. */
  @Test
  void whatIsNotBuiltIsFreed() {
    Tensor[] made;
    try (var builder = new Parameters.Builder(0)) {
      made = weights(builder);
      assertThat(made).noneMatch(weight -> weight.isNull());
    }
    assertThat(made).allMatch(weight -> weight.isNull());
  }
}
