package org.bitdiffusion.io;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.bitdiffusion.DataException;

/** Arrays in NumPy's npy format: what {@code numpy.load} and {@code numpy.save} know. */
public final class Npy {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final Pattern INTEGERS = Pattern.compile("[|<]([ui])([1248])");
  private static final int LONGEST_HEADER = 1 << 16; // NumPy's own are shorter than 200 bytes
  private static final int PIECE = 1 << 16; // values written at a time

  private Npy() {}

  /**
   * An array of integers.
   *
   * @param shape of the array
   * @param values row-major
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  public record Array(int[] shape, int[] values) {}

  /**
   * Writes symbols in the smallest of the types {@code |u1}, {@code <u2} and {@code <i4} that holds
   * 0 .. K-1. The file is written beside its place and renamed; the folders above it are made.
   *
   * @param symbols row-major, each in 0 .. K-1
   * @param shape such as [N, C, H, W]
   * @param categories K
   * @throws DataException if it cannot be written
   */
  public static void write(Path file, int[] symbols, int[] shape, int categories) {
    if (Arrays.stream(shape).asLongStream().reduce(1, Math::multiplyExact) != symbols.length) {
      throw new IllegalArgumentException(
          "%d symbols are no array of shape %s".formatted(symbols.length, Arrays.toString(shape)));
    }
    for (var symbol : symbols) {
      if (symbol < 0 || symbol >= categories) {
        throw new IllegalArgumentException(
            "a symbol is %d, not in 0 to %d".formatted(symbol, categories - 1));
      }
    }
    var width = bytes(categories);
    WholeFile.write(
        file,
        out -> {
          out.write(header(width == 1 ? "|u1" : width == 2 ? "<u2" : "<i4", shape));
          var piece = ByteBuffer.allocate(PIECE * width).order(ByteOrder.LITTLE_ENDIAN);
          for (var begin = 0; begin < symbols.length; begin += PIECE) {
            piece.clear();
            for (var i = begin; i < Math.min(symbols.length, begin + PIECE); i++) {
              switch (width) {
                case 1 -> piece.put((byte) symbols[i]);
                case 2 -> piece.putShort((short) symbols[i]);
                default -> piece.putInt(symbols[i]);
              }
            }
            out.write(piece.array(), 0, piece.position());
          }
        });
  }

  /**
   * Bytes that {@link #write} takes for a symbol.
   *
   * @param categories K
   */
  public static int bytes(int categories) {
    return categories <= 1 << 8 ? 1 : categories <= 1 << 16 ? 2 : 4;
  }

  /** Writes real numbers as float64, row-major. */
  static void write(OutputStream out, int[] shape, double[] values) throws IOException {
    out.write(header("<f8", shape));
    var piece = ByteBuffer.allocate(PIECE * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (var begin = 0; begin < values.length; begin += PIECE) {
      piece.clear();
      for (var i = begin; i < Math.min(values.length, begin + PIECE); i++) {
        piece.putDouble(values[i]);
      }
      out.write(piece.array(), 0, piece.position());
    }
  }

  /** Of version 1.0. The values begin at a multiple of 64 bytes; a line feed ends the header. */
  private static byte[] header(String type, int[] shape) {
    var sides = Arrays.stream(shape).mapToObj(Integer::toString).collect(Collectors.joining(", "));
    var text =
        "{'descr': '%s', 'fortran_order': False, 'shape': (%s%s), }"
            .formatted(type, sides, shape.length == 1 ? "," : "");
    var start = MAGIC.length + 4;
    var length = (start + text.length() + 1 + 63) / 64 * 64 - start;
    return ByteBuffer.allocate(start + length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(MAGIC)
        .put((byte) 1)
        .put((byte) 0)
        .putShort((short) length)
        .put((text + " ".repeat(length - text.length() - 1) + "\n").getBytes(ISO_8859_1))
        .array();
  }

  /**
   * Reads an array of integers.
   *
   * @throws DataException if the file is none, or holds a value that needs more than 32 bits
   */
  public static Array read(Path file) {
    try (var in = Files.newInputStream(RegularFile.require(file))) {
      var header = header(file.toString(), in);
      var values = integers(file.toString(), header, in);
      if (in.read() >= 0) {
        throw new DataException(file + " is damaged: it goes on after its last value");
      }
      return new Array(header.shape(), values);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  /**
   * Reads up to the values.
   *
   * @throws DataException if they are not those of an array that this class can tell of
   */
  public static NpyHeader header(String name, InputStream stream) throws IOException {
    var in = new DataInputStream(stream);
    var start = in.readNBytes(8);
    if (start.length < 8 || !Arrays.equals(Arrays.copyOf(start, 6), MAGIC)) {
      throw new DataException(name + " is no npy array");
    }
    try {
      var wide = start[6] > 1; // versions 2 and 3 have 4 bytes of length
      var length =
          wide ? Integer.reverseBytes(in.readInt()) : Short.reverseBytes(in.readShort()) & 0xffff;
      if (length < 0 || length > LONGEST_HEADER) {
        throw new DataException(name + " is damaged: its header is too long");
      }
      var bytes = new byte[length];
      in.readFully(bytes);
      var header = NpyHeader.parse(new String(bytes, ISO_8859_1), 8 + (wide ? 4 : 2) + length);
      header.count();
      return header;
    } catch (EOFException e) {
      throw new DataException(name + " is damaged: its header is cut off", e);
    } catch (IllegalArgumentException e) {
      throw new DataException(
          "%s has a header that is not understood: %s".formatted(name, e.getMessage()), e);
    } catch (ArithmeticException e) {
      throw new DataException(name + " is damaged: its shape has more values than any file", e);
    }
  }

  /** Reads the values that follow a header, and gives them row-major. */
  public static int[] integers(String name, NpyHeader header, InputStream in) throws IOException {
    var type = INTEGERS.matcher(header.type());
    if (!type.matches()) {
      throw wrongType(name, header, "integers are needed");
    }
    var signed = type.group(1).equals("i");
    var width = Integer.parseInt(type.group(2));
    var buffer = bytes(name, header, width, in);
    var values = new int[buffer.remaining() / width];
    for (var i = 0; i < values.length; i++) {
      var value =
          switch (width) {
            case 1 -> signed ? buffer.get() : Byte.toUnsignedLong(buffer.get());
            case 2 -> signed ? buffer.getShort() : Short.toUnsignedLong(buffer.getShort());
            case 4 -> signed ? buffer.getInt() : Integer.toUnsignedLong(buffer.getInt());
            default -> buffer.getLong();
          };
      if ((int) value != value) {
        throw new DataException(
            "%s holds %d, which needs more than 32 bits".formatted(name, value));
      }
      values[place(header, i)] = (int) value;
    }
    return values;
  }

  /** Reads the real numbers that follow a header, and gives them row-major. */
  static double[] doubles(String name, NpyHeader header, InputStream in) throws IOException {
    var width =
        switch (header.type()) {
          case "<f4" -> Float.BYTES;
          case "<f8" -> Double.BYTES;
          default -> throw wrongType(name, header, "float32 or float64 are needed");
        };
    var buffer = bytes(name, header, width, in);
    var values = new double[buffer.remaining() / width];
    for (var i = 0; i < values.length; i++) {
      values[place(header, i)] = width == Float.BYTES ? buffer.getFloat() : buffer.getDouble();
    }
    return values;
  }

  private static DataException wrongType(String name, NpyHeader header, String needed) {
    return new DataException(
        header.type().contains("O")
            ? "%s holds Python objects, pickled, which are not read; save numbers (%s)"
                .formatted(name, needed)
            : "%s holds values of type %s; %s".formatted(name, header.type(), needed));
  }

  /** Where the i-th value of a file goes in an array that is row-major. */
  private static int place(NpyHeader header, int i) {
    if (!header.columnMajor()) {
      return i;
    }
    var place = 0;
    var stride = (int) header.count();
    for (var side : header.shape()) { // of which the first runs fastest in the file
      stride /= side;
      place += i % side * stride;
      i /= side;
    }
    return place;
  }

  /** All bytes of the values that follow a header. */
  private static ByteBuffer bytes(String name, NpyHeader header, int width, InputStream in)
      throws IOException {
    byte[] bytes;
    try {
      bytes = in.readNBytes(Math.toIntExact(Math.multiplyExact(header.count(), width)));
    } catch (ArithmeticException e) {
      throw new DataException(
          "%s is too large: its shape is %s".formatted(name, Arrays.toString(header.shape())), e);
    }
    if (bytes.length < header.count() * width) {
      throw new DataException(
          "%s is cut off: it claims %,d values, but has %,d"
              .formatted(name, header.count(), bytes.length / width));
    }
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
