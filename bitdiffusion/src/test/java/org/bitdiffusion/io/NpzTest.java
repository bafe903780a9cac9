package org.bitdiffusion.io;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NpzTest {
  @TempDir private Path folder;

  @Test
  void aWrongBitIsFound() throws IOException {
    var file = folder.resolve("x.npz");
    var array = new ByteArrayOutputStream();
    Npy.write(array, new int[] {1}, new double[] {3});
    var entry = new ZipEntry("x.npy");
    var checksum = new CRC32();
    checksum.update(array.toByteArray());
    entry.setSize(array.size());
    entry.setCrc(checksum.getValue());
    try (var zip = new ZipOutputStream(Files.newOutputStream(file))) {
      zip.setMethod(ZipOutputStream.STORED); // as numpy.savez does
      zip.putNextEntry(entry);
      zip.write(array.toByteArray());
    }
    assertThat(Npz.read(file, 1, "x").get("x").values()).containsExactly(3);

    var bytes = Files.readAllBytes(file);
    var three = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putDouble(3).array();
    var at = new String(bytes, ISO_8859_1).indexOf(new String(three, ISO_8859_1));
    bytes[at + 6] ^= 1;
    Files.write(file, bytes);
    assertThatThrownBy(() -> Npz.read(file, 1, "x"))
        .isInstanceOf(DataException.class)
        .hasMessage(file + " is no npz archive, or damaged: the checksum of x.npy is wrong");
  }

  /** Few bytes, compressed, may be many values. */
  @Test
  void valuesAreCountedBeforeTheyAreUnpacked() throws IOException {
    var file = folder.resolve("x.npz");
    try (var zip = new ZipOutputStream(Files.newOutputStream(file))) {
      zip.putNextEntry(new ZipEntry("x.npy"));
      zip.write(NpyTest.npy("<f8", "(20000, 10000)", new byte[1 << 20]));
    }
    assertThatThrownBy(() -> Npz.read(file, 199_999_999, "x"))
        .isInstanceOf(DataException.class)
        .hasMessage(
            file
                + ": x has the shape [20000, 10000], of more values than the 199,999,999 that it may"
                + " have");
    Npz.write(file, Map.of("x", new Npz.Doubles(new int[] {2}, new double[] {3, 4})));
    assertThat(Npz.read(file, 2, "x").get("x").values()).containsExactly(3, 4);
    assertThatThrownBy(() -> Npz.read(file, 1, "x")).isInstanceOf(DataException.class);
  }

  /** Regular expressions took a day for the first, and the whole stack for the second. */
  @ParameterizedTest
  @ValueSource(strings = {"npz-header-regex-hang.npz", "npz-header-stack-overflow.npz"})
  void aLongHeaderIsSoonRefused(String name) throws URISyntaxException {
    var file = Path.of(getClass().getResource("/hostile/" + name).toURI());
    assertTimeoutPreemptively(
        Duration.ofSeconds(2),
        () ->
            assertThatThrownBy(() -> Npz.read(file, 100, "mu", "sigma"))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith(file + ": mu "));
  }
}
