package org.bitdiffusion.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class NoiseTest {
  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  private static List<Float> numbers(long seed, long step, long part) {
    try (var scope = new PointerScope();
        var noise = Noise.ofPart(seed, step, part, Compute.PLAIN.newDevice())) {
      var normal = Tensors.floats(noise.normal(2, 3));
      var uniform = Tensors.floats(noise.uniform(1));
      return List.of(normal[0], normal[5], uniform[0]);
    }
  }

  @Test
  void aPartsNoiseDependsOnSeedStepAndPartAlone() {
    var before = numbers(1, 2, 3);
    torch.manual_seed(5);
    numbers(1, 2, 4);
    assertThat(numbers(1, 2, 3)).isEqualTo(before);
    var all = new HashSet<List<Float>>();
    for (var seed = 0; seed < 3; seed++) {
      for (var step = 0; step < 10; step++) {
        for (var part = 0; part < 10; part++) {
          all.add(numbers(seed, step, part));
        }
      }
    }
    assertThat(all).hasSize(300).contains(before);
  }

  /** Who else draws in the process sees nothing of it. */
  @Test
  void theEnginesOwnGeneratorIsLeftAlone() {
    try (var scope = new PointerScope()) {
      torch.manual_seed(5);
      var expected = Tensors.floats(torch.randn(4));
      torch.manual_seed(5);
      numbers(1, 2, 3);
      assertThat(Tensors.floats(torch.randn(4))).isEqualTo(expected);
    }
  }
}
