package org.bitdiffusion.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bitdiffusion.DataException;
import org.bitdiffusion.runtime.Engine;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsTest {
  @TempDir private Path folder;

  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  /** The bytes, as the format's description gives them. */
  @Test
  void theFileIsWhatTheFormatSays() throws IOException {
    try (var scope = new PointerScope()) {
      var file = folder.resolve("a.safetensors");
      var tensors = new LinkedHashMap<String, Tensor>();
      tensors.put("w", Tensor.create(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
      tensors.put("b", Tensor.create(new float[] {-1}, 1));
      Safetensors.write(file, tensors);
      var bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      var length = (int) bytes.getLong();
      assertThat(length % 8).isZero();
      var header = new byte[length];
      bytes.get(header);
      assertThat(new String(header, StandardCharsets.UTF_8).strip())
          .isEqualTo(
              "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                  + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[24,28]}}");
      for (var expected : new float[] {1, 2, 3, 4, 5, 6, -1}) {
        assertThat(bytes.getFloat()).isEqualTo(expected);
      }
      assertThat(bytes.hasRemaining()).isFalse();
    }
  }

  @Test
  void readingGivesTheValuesBackAlsoForViews() throws IOException {
    try (var scope = new PointerScope()) {
      var file = folder.resolve("a.safetensors");
      var large = torch.randn(3000, 700); // several pieces would be 64 MB; a view with strides
      var view = large.t();
      Safetensors.write(file, Map.of("view", view));
      var target = torch.zeros(700, 3000);
      Safetensors.read(file, Map.of("view", target));
      assertThat(target.equal(view)).isTrue();
    }
  }

  @Test
  void nothingIsReadFromAFileThatDoesNotFit() throws IOException {
    try (var scope = new PointerScope()) {
      var file = folder.resolve("a.safetensors");
      Safetensors.write(file, Map.of("w", torch.ones(2, 3), "more", torch.ones(1)));
      var target = torch.zeros(2, 3);
      assertThatThrownBy(() -> Safetensors.read(file, Map.of("w", target)))
          .isInstanceOf(DataException.class)
          .hasMessageContaining("'more' too many");
      assertThatThrownBy(() -> Safetensors.read(file, Map.of("w", target, "more", torch.ones(2))))
          .hasMessageContaining("tensor 'more' is F32 [1], but the network has F32 [2]");
      assertThatThrownBy(() -> Safetensors.read(file, Map.of("w", target, "other", torch.ones(1))))
          .hasMessageContaining("no tensor 'other'");
      assertThat(target.sum().item_float()).isZero();
    }
  }
}
