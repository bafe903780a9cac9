package org.bitdiffusion.modality.image;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.pytorch.global.torch.zeros;

import java.nio.file.Path;
import java.util.Map;
import org.bitdiffusion.DataException;
import org.bitdiffusion.runtime.Engine;
import org.bitdiffusion.runtime.Safetensors;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassifierFeaturesTest {
  @TempDir private Path folder;

  /** Also where a number of classes could be read from it. */
  @Test
  void aFileOfAnotherNetworkIsNamed() throws Exception {
    Engine.load();
    var file = folder.resolve("other.safetensors");
    try (var scope = new PointerScope()) {
      Safetensors.write(file, Map.of("classes.weight", zeros(3)));
    }
    assertThatThrownBy(() -> ClassifierFeatures.load(file, "float32"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("is no classifier of this program")
        .hasMessageContaining("classes.weight has the shape [3]");
  }
}
