package org.bitdiffusion.data;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.bitdiffusion.DataException;

/** Integer arrays in NumPy's npy format. */
public final class Npy {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final Pattern TYPE = Pattern.compile("'descr':\\s*'([^']+)'");
  private static final Pattern SHAPE = Pattern.compile("'shape':\\s*\\(([^)]*)\\)");
  private static final Pattern FORTRAN = Pattern.compile("'fortran_order':\\s*True");

  private Npy() {}

  /**
   * An array of integers.
   *
   * @param shape of the array
   * @param values row-major
   */
  public record Array(int[] shape, int[] values) {}

  /**
   * Writes symbols in the smallest unsigned type that holds 0 .. K-1: {@code |u1}, {@code <u2} or
   * {@code <u4}. The file is written beside its place and renamed.
   *
   * @throws DataException if it cannot be written
   */
  public static void write(Path file, int[] symbols, int[] shape, int categories) {
    var width = categories <= 1 << 8 ? 1 : categories <= 1 << 16 ? 2 : 4;
    var header =
        "{'descr': '%su%d', 'fortran_order': False, 'shape': (%s,), }"
            .formatted(
                width == 1 ? "|" : "<",
                width,
                Arrays.stream(shape).mapToObj(Integer::toString).collect(Collectors.joining(", ")));
    // The values begin at a multiple of 64 bytes; a line feed ends the header.
    var length = (MAGIC.length + 4 + header.length() + 1 + 63) / 64 * 64 - MAGIC.length - 4;
    var unfinished = file.resolveSibling("." + file.getFileName() + ".unfinished");
    try {
      try (var out = new BufferedOutputStream(Files.newOutputStream(unfinished))) {
        out.write(MAGIC);
        out.write(new byte[] {1, 0, (byte) length, (byte) (length >> 8)});
        out.write(header.getBytes(ISO_8859_1));
        out.write(" ".repeat(length - header.length() - 1).getBytes(ISO_8859_1));
        out.write('\n');
        for (var symbol : symbols) {
          for (var i = 0; i < width; i++) {
            out.write(symbol >> 8 * i);
          }
        }
      }
      Files.move(unfinished, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new DataException(file + " cannot be written: " + e.getMessage(), e);
    }
  }

  /**
   * Reads an array of integers of at most 32 bits, or of 64 bits that fit in 32.
   *
   * @throws DataException if the file is none
   */
  public static Array read(Path file) {
    try (var in = Files.newInputStream(file)) {
      var header = header(file.toString(), in);
      return new Array(header.shape(), integers(file.toString(), header, in));
    } catch (IOException e) {
      throw new DataException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * @param type as NumPy writes it, such as {@code <u2}
   * @param bytes length of all that comes before the values
   */
  record Header(String type, int[] shape, int bytes) {}

  /** Reads up to the values. */
  static Header header(String name, InputStream stream) throws IOException {
    var in = new DataInputStream(stream);
    var start = in.readNBytes(8);
    if (start.length < 8 || !Arrays.equals(Arrays.copyOf(start, 6), MAGIC)) {
      throw new DataException(name + " is no npy array");
    }
    var long4 = start[6] > 1;
    var length =
        long4 ? Integer.reverseBytes(in.readInt()) : Short.reverseBytes(in.readShort()) & 0xffff;
    if (length < 0 || length > 1 << 20) {
      throw new DataException(name + " is damaged: its header is too long");
    }
    var text = new String(in.readNBytes(length), ISO_8859_1);
    var type = TYPE.matcher(text);
    var shape = SHAPE.matcher(text);
    if (!type.find() || !shape.find() || FORTRAN.matcher(text).find()) {
      throw new DataException(name + " has a header that is not understood: " + text.strip());
    }
    var sides =
        Arrays.stream(shape.group(1).split(","))
            .map(String::strip)
            .filter(side -> !side.isEmpty())
            .mapToInt(Integer::parseInt)
            .toArray();
    return new Header(type.group(1), sides, 8 + (long4 ? 4 : 2) + length);
  }

  /** Reads the values that follow a header. */
  static int[] integers(String name, Header header, InputStream in) throws IOException {
    var kind = header.type().charAt(1);
    if ("ui".indexOf(kind) < 0 || header.type().charAt(0) == '>') {
      throw new DataException(name + " holds " + header.type() + ", not integers");
    }
    var width = Integer.parseInt(header.type().substring(2));
    var count = Arrays.stream(header.shape()).reduce(1, Math::multiplyExact);
    var bytes = in.readNBytes(Math.multiplyExact(count, width));
    if (bytes.length < count * width) {
      throw new DataException(
          name + " is cut off: it ends after " + bytes.length / width + " of " + count + " values");
    }
    var buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    var values = new int[count];
    for (var i = 0; i < count; i++) {
      values[i] =
          switch (width) {
            case 1 -> kind == 'u' ? buffer.get() & 255 : buffer.get();
            case 2 -> kind == 'u' ? buffer.getShort() & 0xffff : buffer.getShort();
            case 4 -> buffer.getInt();
            default -> Math.toIntExact(buffer.getLong());
          };
    }
    return values;
  }
}
