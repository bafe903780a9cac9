package org.bitdiffusion.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.bitdiffusion.DataException;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
  void aTensorMayBeWrittenAndReadInSeveralPieces() throws IOException {
    try (var scope = new PointerScope()) {
      var file = folder.resolve("a.safetensors");
      var large =
          torch.arange(new Scalar(17_000_000)).to(torch.ScalarType.Float); // 68 MB; a piece has 64
      Safetensors.write(file, Map.of("large", large));
      var target = torch.zeros_like(large);
      Safetensors.read(file, Map.of("large", target));
      assertThat(target.equal(large)).isTrue();
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

  /** Written in another order than read, and in several pieces. */
  @Test
  void theChecksumIsThatOfTheFile() throws IOException {
    try (var scope = new PointerScope()) {
      var file = folder.resolve("a.safetensors");
      var tensors = new LinkedHashMap<String, Tensor>();
      tensors.put("w", torch.randn(3, 5));
      tensors.put("large", torch.ones(17_000_000)); // 68 MB; a piece has 64
      tensors.put("b", torch.randn(7));
      var written = Safetensors.write(file, tensors);
      var expected = new CRC32C();
      expected.update(Files.readAllBytes(file));
      assertThat(written).isEqualTo(expected.getValue());
      var targets = new LinkedHashMap<String, Tensor>();
      for (var name : List.of("b", "large", "w")) {
        targets.put(name, torch.zeros_like(tensors.get(name)));
      }
      assertThat(Safetensors.read(file, targets)).isEqualTo(written);

      // Not so of one with a changed value.
      var bytes = Files.readAllBytes(file);
      bytes[bytes.length - 10] ^= 1;
      Files.write(file, bytes);
      assertThat(Safetensors.read(file, targets)).isNotEqualTo(expected.getValue());
    }
  }

  /** 1.5 and -2 in the bits of each type; a tensor that is not asked for lies between. */
  @Test
  void halfTypesAreReadFromAFileThatHoldsMore() throws IOException {
    var header =
        "{'__metadata__':{'format':'pt'},"
            + "'half':{'dtype':'F16','shape':[2],'data_offsets':[0,4]},"
            + "'more':{'dtype':'I64','shape':[],'data_offsets':[4,12]},"
            + "'brain':{'dtype':'BF16','shape':[2],'data_offsets':[12,16]}}";
    var json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    var bytes = ByteBuffer.allocate(8 + json.length + 16).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json).putShort((short) 0x3E00).putShort((short) 0xC000);
    bytes.putLong(7).putShort((short) 0x3FC0).putShort((short) 0xC000);
    var file = folder.resolve("published.safetensors");
    Files.write(file, bytes.array());
    try (var scope = new PointerScope()) {
      var half = torch.zeros(2);
      var brain = torch.zeros(2);
      Safetensors.readSome(file, Map.of("half", half, "brain", brain));
      var expected = Tensor.create(new float[] {1.5f, -2}, 2);
      assertThat(half.equal(expected)).isTrue();
      assertThat(brain.equal(expected)).isTrue();
      assertThat(Safetensors.names(file)).containsExactly("half", "more", "brain");
      assertThatThrownBy(() -> Safetensors.readSome(file, Map.of("half", torch.zeros(2, 1))))
          .isInstanceOf(DataException.class)
          .hasMessageContaining("tensor 'half' is F16 [2], but the network has F16 [2, 1]");
      assertThatThrownBy(() -> Safetensors.readSome(file, Map.of("more", torch.zeros(1))))
          .hasMessageContaining("tensor 'more' is I64 [], but the network has F32 [1]");
      assertThatThrownBy(() -> Safetensors.read(file, Map.of("half", half)))
          .hasMessageContaining("F16 [2], but the network has F32 [2]");
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

  private Path file(String header, int values) throws IOException {
    var json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    var bytes = ByteBuffer.allocate(8 + json.length + values).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json);
    return Files.write(folder.resolve("a.safetensors"), bytes.array());
  }

  /** As the format's own implementation does. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          {'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}} | 8 | the values of 'b' do not begin where those before it end
          {'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},'b':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}} | 4 | the values of 'b' do not begin where those before it end
          {'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},'b':{'dtype':'F32','shape':[1],'data_offsets':[8,12]}} | 12 | the values of 'b' do not begin where those before it end
          {'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}} | 8 | the values of 'a' do not begin where those before it end
          {'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}} | 5 | it goes on after the values of its last tensor
          {'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}} | 3 | the values of 'a' are cut off
          {'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}} | 4 | names a tensor twice
          {'a':{'dtype':'F32','shape':[1],'data_offsets':[0,8]}} | 8 | the values of 'a' are not as many as its shape has
          {'a':{'dtype':'I64','shape':[1],'data_offsets':[0,4]}} | 4 | the values of 'a' are not as many as its shape has
          {'a':{'dtype':'F32','shape':[1],'data_offsets':[4,0]}} | 4 | the values of 'a' are not as many as its shape has
          {'a':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,0]}} | 0 | tensor 'a' is larger than any file
          {'a':{'dtype':'F32','shape':[-1],'data_offsets':[0,4]}} | 4 | tensor 'a' has a side or an offset that is none
          {'a':{'dtype':'F32','shape':[1.5],'data_offsets':[0,4]}} | 4 | tensor 'a' has a side or an offset that is none
          {'a':{'dtype':'F32','shape':[1],'data_offsets':[18446744073709551616,18446744073709551620]}} | 4 | tensor 'a' has a side or an offset that is none
          {'a':{'dtype':'F32','shape':[128,32],'data_offsets':[9223372036854775800,-9223372036854759432]}} | 8 | tensor 'a' has a side or an offset that is none
          {'a':{'dtype':'F32','shape':[1],'data_offsets':[0]}} | 4 | tensor 'a' has no shape and two data_offsets
          {'a':7} | 0 | tensor 'a' has no shape and two data_offsets
          {} {} | 0 | its header is no JSON
          """)
  void filesThatTheFormatDoesNotAllowAreRefused(String header, int values, String message)
      throws IOException {
    var file = file(header, values);
    assertThatThrownBy(() -> Safetensors.names(file))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(file + " is damaged")
        .hasMessageContaining(message);
  }

  @Test
  void emptyTensorsHaveNoPlace() throws IOException {
    var file =
        file(
            "{'e':{'dtype':'F32','shape':[0,3],'data_offsets':[0,0]},"
                + "'a':{'dtype':'F32','shape':[],'data_offsets':[0,4]},"
                + "'f':{'dtype':'NEW','shape':[0],'data_offsets':[4,4]}}",
            4);
    assertThat(Safetensors.names(file)).containsExactly("e", "a", "f");
  }

  @Test
  void aDeviceIsNoFile() {
    assumeThat(Path.of("/dev/zero")).exists();
    assertThatThrownBy(() -> Safetensors.names(Path.of("/dev/zero")))
        .isInstanceOf(DataException.class)
        .hasMessage("/dev/zero cannot be read: it is a pipe or a device, where a file is needed");
  }
}
