package org.bitdiffusion.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Tensors;
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
      assertThat(parameters.byName().keySet()).containsExactly("w", "part.b", "part.mean");
      assertThat(parameters.count()).isEqualTo(10);
      assertThat(Tensors.floats(parameters.trained()))
          .hasSize(8)
          .isEqualTo(Arrays.copyOf(Tensors.floats(parameters.values()), 8));
      assertThat(Tensors.floats(parameters.values())).endsWith(1, 1, 7, 7);
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
    try (var builder = new Parameters.Builder(0);
        var part = builder.in("part")) {
      made = weights(builder);
      assertThatThrownBy(() -> part.constant("mean", 1, 2))
          .hasMessage("two weights are named part.mean");
      part.close(); // which is the whole one's
      assertThat(made).noneMatch(weight -> weight.isNull());
    }
    assertThat(made).allMatch(weight -> weight.isNull());
  }
}
