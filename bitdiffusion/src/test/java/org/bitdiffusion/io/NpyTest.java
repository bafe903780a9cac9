package org.bitdiffusion.io;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

public class NpyTest {
  @TempDir private Path folder;

  /** An array as NumPy writes it. */
  public static byte[] npy(String type, String shape, byte... values) {
    return withHeader(
        "{'descr': '%s', 'fortran_order': False, 'shape': %s, }".formatted(type, shape), values);
  }

  private static byte[] withHeader(String header, byte... values) {
    var length = (10 + header.length() + 1 + 63) / 64 * 64 - 10;
    var out = new ByteArrayOutputStream();
    out.writeBytes(
        new byte[] {
          (byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) length, (byte) (length >> 8)
        });
    out.writeBytes((header + " ".repeat(length - header.length() - 1)).getBytes(ISO_8859_1));
    out.write('\n');
    out.writeBytes(values);
    return out.toByteArray();
  }

  private Path file(byte[] bytes) throws Exception {
    return Files.write(folder.resolve("array.npy"), bytes);
  }

  @ParameterizedTest
  @CsvSource({"2", "256", "257", "65536", "65537", "1000000"})
  void readsWhatItWrites(int categories) {
    var symbols = new Random(1).ints(7 * 3 * 50 * 70, 0, categories).toArray();
    symbols[0] = 0;
    symbols[symbols.length - 1] = categories - 1;
    var file = folder.resolve("new folder/x.npy");
    Npy.write(file, symbols, new int[] {7, 3, 50, 70}, categories);
    var array = Npy.read(file);
    assertThat(array.shape()).containsExactly(7, 3, 50, 70);
    assertThat(array.values()).isEqualTo(symbols);
    assertThat(file.getParent().toFile().list()).containsExactly("x.npy");
  }

  @Test
  void writesByteForByteWhatNumPyWould() throws Exception {
    var file = folder.resolve("x.npy");
    Npy.write(file, new int[] {1, 0, 255}, new int[] {1, 1, 1, 3}, 256);
    assertThat(file).hasBinaryContent(npy("|u1", "(1, 1, 1, 3)", (byte) 1, (byte) 0, (byte) 255));
    Npy.write(file, new int[] {1, 0x1234}, new int[] {2}, 65_536);
    assertThat(file)
        .hasBinaryContent(npy("<u2", "(2,)", (byte) 1, (byte) 0, (byte) 0x34, (byte) 0x12));
    Npy.write(file, new int[] {0x12345}, new int[] {1, 1}, 1 << 20);
    assertThat(file)
        .hasBinaryContent(npy("<i4", "(1, 1)", (byte) 0x45, (byte) 0x23, (byte) 1, (byte) 0));
  }

  @Test
  void readsAllIntegersOfAtMost32Bits() throws Exception {
    assertThat(Npy.read(file(npy("|i1", "(2,)", (byte) -3, (byte) 4))).values())
        .containsExactly(-3, 4);
    assertThat(Npy.read(file(npy("<i2", "(1,)", (byte) -2, (byte) -1))).values())
        .containsExactly(-2);
    var minusOne = new byte[8];
    Arrays.fill(minusOne, (byte) -1);
    assertThat(Npy.read(file(npy("<i8", "(1,)", minusOne))).values()).containsExactly(-1);
    assertThat(Npy.read(file(npy("|u1", "()", (byte) 9))).shape()).isEmpty();
    assertThatThrownBy(() -> Npy.read(file(npy("<u4", "(1,)", Arrays.copyOf(minusOne, 4)))))
        .isInstanceOf(DataException.class)
        .hasMessage(
            folder.resolve("array.npy") + " holds 4294967295, which needs more than 32 bits");
  }

  @Test
  void refusesSymbolsThatAreNotInRange() {
    var file = folder.resolve("x.npy");
    assertThatThrownBy(() -> Npy.write(file, new int[] {16}, new int[] {1}, 16))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a symbol is 16, not in 0 to 15");
    assertThatThrownBy(() -> Npy.write(file, new int[] {-1}, new int[] {1}, 16))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a symbol is -1, not in 0 to 15");
    assertThatThrownBy(() -> Npy.write(file, new int[] {1}, new int[] {2}, 16))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("1 symbols are no array of shape [2]");
    assertThat(file).doesNotExist();
  }

  @Test
  void saysWhyAFileIsNoArray() throws Exception {
    assertBroken(new byte[] {1, 2, 3}, "is no npy array");
    assertBroken(new byte[200], "is no npy array");
    assertBroken(npy("|u1", "(4,)", (byte) 1), "is cut off: it claims 4 values, but has 1");
    assertBroken(
        npy("|u1", "(1,)", (byte) 1, (byte) 2), "is damaged: it goes on after its last value");
    assertBroken(
        npy("<f4", "(1,)", (byte) 0, (byte) 0, (byte) 0, (byte) 0),
        "holds values of type <f4; integers are needed");
    assertBroken(
        npy(">i2", "(1,)", (byte) 0, (byte) 0), "holds values of type >i2; integers are needed");
    assertBroken(
        npy("|u1", "(2147483647, 2147483647)"),
        "is too large: its shape is [2147483647, 2147483647]");
    assertBroken(
        npy("|u1", "(9999999999,)"),
        "has a header that is not understood: a side of its shape is not in 0 to 2147483647");
    assertBroken(
        Arrays.copyOf(npy("|u1", "(1,)", (byte) 1), 40), "is damaged: its header is cut off");
    assertBroken(
        Arrays.copyOf(npy("|u1", "(1,)", (byte) 1), 9), "is damaged: its header is cut off");
    assertThatThrownBy(() -> Npy.read(folder.resolve("missing.npy")))
        .isInstanceOf(DataException.class)
        .hasMessage(
            folder.resolve("missing.npy") + " cannot be read: it or its folder does not exist");
  }

  private void assertBroken(byte[] bytes, String message) throws Exception {
    var file = file(bytes);
    assertThatThrownBy(() -> Npy.read(file))
        .isInstanceOf(DataException.class)
        .hasMessage(file + " " + message);
  }

  @Test
  void readsFortransOrder() throws Exception {
    // [[1, 2, 3], [4, 5, 6]] as numpy.asfortranarray has it
    var columns = new byte[] {1, 4, 2, 5, 3, 6};
    var header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }";
    var array = Npy.read(file(withHeader(header, columns)));
    assertThat(array.shape()).containsExactly(2, 3);
    assertThat(array.values()).containsExactly(1, 2, 3, 4, 5, 6);

    var shape = new int[] {2, 3, 4};
    var values = new byte[24];
    for (var i = 0; i < 2; i++) {
      for (var j = 0; j < 3; j++) {
        for (var k = 0; k < 4; k++) {
          values[i + 2 * (j + 3 * k)] = (byte) (12 * i + 4 * j + k);
        }
      }
    }
    var cube = Npy.read(file(withHeader(header.replace("(2, 3)", "(2, 3, 4)"), values)));
    assertThat(cube.shape()).isEqualTo(shape);
    assertThat(cube.values()).isEqualTo(IntStream.range(0, 24).toArray());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "{}",
        "{'descr'",
        "{'descr': '|u1",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999999,)}",
        "{'descr': '|u1', 'fortran_order': False}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'more': 1}"
      })
  void saysThatAHeaderIsNotUnderstood(String header) throws Exception {
    var file = file(withHeader(header, (byte) 1));
    assertThatThrownBy(() -> Npy.read(file))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(file + " has a header that is not understood: ");
  }

  @Test
  void noHeaderTakesLong() {
    var start = "{'descr': '|u1', 'fortran_order': False, 'shape': (";
    for (var header :
        List.of(
            start + "1 ".repeat(30_000) + "x",
            start + "1,".repeat(30_000) + ")}",
            start + "1".repeat(60_000),
            start + " ".repeat(60_000) + "1,)}",
            "{".repeat(60_000),
            "'descr': ".repeat(7_000))) {
      assertTimeoutPreemptively(
          Duration.ofSeconds(2),
          () ->
              assertThatThrownBy(() -> Npy.read(file(withHeader(header))))
                  .isInstanceOf(DataException.class));
    }
  }

  @Test
  void saysThatObjectsAreNotRead() throws Exception {
    assertBroken(
        npy("|O", "(1,)", (byte) 0),
        "holds Python objects, pickled, which are not read; save numbers (integers are needed)");
  }

  @Test
  void noShapeOverflows() throws Exception {
    assertBroken(
        npy("|u1", "(2147483647, 2147483647, 2147483647)"),
        "is damaged: its shape has more values than any file");
  }
}
