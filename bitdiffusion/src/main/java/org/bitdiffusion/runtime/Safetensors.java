package org.bitdiffusion.runtime;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.RegularFile;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * Writes float32 tensors in the safetensors format, which Python tools open, and reads them, and
 * published weights of other types too: eight bytes of header length (little endian), a JSON header
 * of names, types, shapes and offsets, then the values.
 */
public final class Safetensors {
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private static final int PIECE = 1 << 26; // bytes copied at a time

  /** Types of values that can be read. */
  private static final Map<String, torch.ScalarType> TYPES =
      Map.of(
          "F32", torch.ScalarType.Float,
          "F16", torch.ScalarType.Half,
          "BF16", torch.ScalarType.BFloat16);

  /** Bits of a value, by the name of the type, of all that the format knows. */
  private static final Map<String, Integer> BITS =
      Map.ofEntries(
          Map.entry("BOOL", 8),
          Map.entry("F4", 4),
          Map.entry("F6_E2M3", 6),
          Map.entry("F6_E3M2", 6),
          Map.entry("U8", 8),
          Map.entry("I8", 8),
          Map.entry("F8_E5M2", 8),
          Map.entry("F8_E4M3", 8),
          Map.entry("F8_E8M0", 8),
          Map.entry("I16", 16),
          Map.entry("U16", 16),
          Map.entry("F16", 16),
          Map.entry("BF16", 16),
          Map.entry("I32", 32),
          Map.entry("U32", 32),
          Map.entry("F32", 32),
          Map.entry("C64", 64),
          Map.entry("F64", 64),
          Map.entry("I64", 64),
          Map.entry("U64", 64));

  /** What the header says of a tensor: its values lie from {@code from} to {@code to} behind it. */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  private record Entry(String type, long[] shape, long from, long to) {}

  private static final long LONGEST_HEADER = 100_000_000; // the format's own limit

  private static final String METADATA = "__metadata__"; // the format's own name

  private Safetensors() {}

  /**
   * Writes tensors under their names, in the map's order.
   *
   * @return the CRC-32C of the file
   * @throws IOException if the file cannot be written, such as on a full disk
   */
  public static long write(Path file, Map<String, Tensor> tensors) throws IOException {
    try (var channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      var counted = new Counted(channel, new CRC32C());
      write(counted, tensors);
      channel.force(true);
      return counted.checksum().getValue();
    }
  }

  /** A channel that adds up the checksum of what is written to it. */
  private record Counted(WritableByteChannel channel, CRC32C checksum)
      implements WritableByteChannel {
    @Override
    public int write(ByteBuffer buffer) throws IOException {
      var written = buffer.duplicate();
      var count = channel.write(buffer);
      checksum.update(written.limit(written.position() + count));
      return count;
    }

    @Override
    public boolean isOpen() {
      return channel.isOpen();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  /**
   * Writes tensors under their names, in the map's order.
   *
   * @throws IOException if the channel cannot be written
   */
  public static void write(WritableByteChannel channel, Map<String, Tensor> tensors)
      throws IOException {
    write(channel, tensors, Map.of());
  }

  /**
   * Writes tensors under their names, in the map's order.
   *
   * @param metadata what else the header says, by name
   * @throws IOException if the channel cannot be written
   */
  public static void write(
      WritableByteChannel channel, Map<String, Tensor> tensors, Map<String, String> metadata)
      throws IOException {
    var header = JSON.createObjectNode();
    if (!metadata.isEmpty()) {
      var said = header.putObject(METADATA);
      metadata.forEach(said::put);
    }
    var offset = 0L;
    for (var entry : tensors.entrySet()) {
      var bytes = entry.getValue().numel() * Float.BYTES;
      var node = header.putObject(entry.getKey());
      node.put("dtype", "F32");
      var shape = node.putArray("shape");
      for (var side : entry.getValue().shape()) {
        shape.add(side);
      }
      node.putArray("data_offsets").add(offset).add(offset + bytes);
      offset += bytes;
    }
    var json = header.toString().getBytes(StandardCharsets.UTF_8);
    var padded = Arrays.copyOf(json, (json.length + 7) / 8 * 8);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    writeFully(
        channel,
        ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(padded.length).flip());
    writeFully(channel, ByteBuffer.wrap(padded));
    for (var tensor : tensors.values()) {
      try (var scope = new PointerScope()) {
        var values = onCpu(tensor);
        var bytes = new BytePointer(values.data_ptr());
        var count = values.nbytes();
        for (var at = 0L; at < count; at += PIECE) {
          var piece = Math.min(PIECE, count - at);
          writeFully(channel, bytes.position(at).limit(at + piece).asByteBuffer());
        }
      }
    }
  }

  /**
   * Fills tensors with the values stored under their names. Nothing is written to any of them
   * unless the whole file fits: the same names, types and shapes. Where a value is no finite
   * number, those before it are written.
   *
   * @return the CRC-32C of the file, which is read once
   * @throws DataException if the file is missing, damaged, or holds other tensors, or values that
   *     are no finite numbers
   */
  public static long read(Path file, Map<String, Tensor> tensors) {
    try (var reader = new Reader(file)) {
      reader.check(tensors, Set.of("F32"));
      for (var name : reader.stored.keySet()) {
        if (!tensors.containsKey(name)) {
          throw new DataException(
              file + " has a tensor '" + name + "' too many: it belongs to another network");
        }
      }
      reader.fill(tensors);
      return reader.checksum();
    } catch (IOException e) {
      throw cannotRead(file, e);
    }
  }

  /**
   * Fills tensors with the values stored under their names in a file that may hold more, and in
   * float16 or bfloat16 as well. Nothing is written to any of them unless all fit.
   *
   * @throws DataException if the file is missing, damaged, or lacks a tensor of that shape, or
   *     holds values that are no finite numbers
   */
  public static void readSome(Path file, Map<String, Tensor> tensors) {
    try (var reader = new Reader(file)) {
      reader.check(tensors, TYPES.keySet());
      reader.fill(tensors);
    } catch (IOException e) {
      throw cannotRead(file, e);
    }
  }

  /**
   * The names of a file's tensors, in its order.
   *
   * @throws DataException if the file is missing or damaged
   */
  public static Set<String> names(Path file) {
    try (var reader = new Reader(file)) {
      return reader.stored.keySet();
    } catch (IOException e) {
      throw cannotRead(file, e);
    }
  }

  /**
   * The shapes of a file's tensors by name, in its order.
   *
   * @throws DataException if the file is missing or damaged
   */
  public static Map<String, long[]> shapes(Path file) {
    try (var reader = new Reader(file)) {
      var shapes = new LinkedHashMap<String, long[]>();
      reader.stored.forEach((name, entry) -> shapes.put(name, entry.shape()));
      return shapes;
    } catch (IOException e) {
      throw cannotRead(file, e);
    }
  }

  /**
   * The shape of a file's tensor.
   *
   * @throws DataException if the file is missing or damaged, or has none of that name
   */
  public static long[] shape(Path file, String name) {
    try (var reader = new Reader(file)) {
      return reader.shape(name);
    } catch (IOException e) {
      throw cannotRead(file, e);
    }
  }

  /**
   * Where a tensor lies in a file, for those who read its values themselves.
   *
   * @param offset of its first byte in the file
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  public record Place(String type, long[] shape, long offset) {}

  /**
   * Where a file's tensor lies.
   *
   * @throws DataException if the file is missing or damaged, or has none of that name
   */
  public static Place place(Path file, String name) {
    try (var reader = new Reader(file)) {
      var shape = reader.shape(name);
      var entry = reader.stored.get(name);
      return new Place(entry.type(), shape, reader.begin + entry.from());
    } catch (IOException e) {
      throw cannotRead(file, e);
    }
  }

  /**
   * What a file's header says besides its tensors, by name.
   *
   * @throws DataException if the file is missing or damaged
   */
  public static Map<String, String> metadata(Path file) {
    try (var reader = new Reader(file)) {
      return reader.metadata;
    } catch (IOException e) {
      throw cannotRead(file, e);
    }
  }

  private static DataException cannotRead(Path file, IOException e) {
    return e instanceof NoSuchFileException
        ? new DataException(file + " does not exist", e)
        : DataException.cannotRead(file, e);
  }

  /** A file whose header has been read. */
  private static final class Reader implements AutoCloseable {
    private final Path file;
    private final FileChannel channel;
    private final long begin; // of the values
    private final Map<String, Entry> stored = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final CRC32C checksum = new CRC32C(); // of all bytes, as long as they come in order

    Reader(Path file) throws IOException {
      this.file = file;
      channel = FileChannel.open(RegularFile.require(file), StandardOpenOption.READ);
      try {
        var length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        readFully(length);
        var headerLength = length.flip().getLong();
        if (headerLength < 2 || headerLength > Math.min(LONGEST_HEADER, channel.size() - 8)) {
          throw new DataException(
              file + " is damaged or no safetensors file: its header is cut off");
        }
        var header = ByteBuffer.allocate((int) headerLength);
        readFully(header);
        begin = 8 + headerLength;
        for (var e : parse(header.array()).properties()) {
          if (e.getKey().equals(METADATA)) {
            e.getValue().properties().forEach(m -> metadata.put(m.getKey(), m.getValue().asText()));
          } else {
            stored.put(e.getKey(), entry(e.getKey(), e.getValue()));
          }
        }
        requireWhole();
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    }

    private JsonNode parse(byte[] header) throws IOException {
      try {
        return JSON.readTree(header);
      } catch (JsonProcessingException e) {
        throw new DataException(
            file
                + " is damaged or no safetensors file: its header is no JSON, or names a tensor twice",
            e);
      }
    }

    private Entry entry(String name, JsonNode node) {
      var sides = node.path("shape");
      var ends = node.path("data_offsets");
      if (!sides.isArray() || ends.size() != 2) {
        throw damaged("tensor '%s' has no shape and two data_offsets", name);
      }
      var shape = new long[sides.size()];
      for (var i = 0; i < shape.length; i++) {
        shape[i] = count(name, sides.get(i));
      }
      var type = node.path("dtype").asText("?");
      var entry = new Entry(type, shape, count(name, ends.get(0)), count(name, ends.get(1)));
      try {
        var bits = BITS.get(type);
        if (bits != null
            && Arrays.stream(shape).reduce(bits, Math::multiplyExact)
                != Math.multiplyExact(entry.to() - entry.from(), 8L)) {
          throw damaged("the values of '%s' are not as many as its shape has", name);
        }
        return entry;
      } catch (ArithmeticException e) {
        throw damaged("tensor '%s' is larger than any file", name);
      }
    }

    private long count(String name, JsonNode number) {
      if (!number.isIntegralNumber() || !number.canConvertToLong() || number.longValue() < 0) {
        throw damaged("tensor '%s' has a side or an offset that is none", name);
      }
      return number.longValue();
    }

    /** The format allows no holes between the values of tensors, and none to overlap. */
    private void requireWhole() throws IOException {
      var inOrder = new ArrayList<>(stored.entrySet());
      inOrder.sort(
          Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().from())
              .thenComparingLong(e -> e.getValue().to()));
      var end = 0L;
      for (var e : inOrder) {
        if (e.getValue().to() > channel.size() - begin) {
          throw damaged("the values of '%s' are cut off", e.getKey());
        }
        if (e.getValue().from() != end || e.getValue().to() < end) {
          throw damaged("the values of '%s' do not begin where those before it end", e.getKey());
        }
        end = e.getValue().to();
      }
      if (end != channel.size() - begin) {
        throw damaged("it goes on after the values of its last tensor%s", "");
      }
    }

    private DataException damaged(String what, String name) {
      return new DataException(file + " is damaged: " + what.formatted(name));
    }

    void check(Map<String, Tensor> tensors, Set<String> types) {
      for (var entry : tensors.entrySet()) {
        check(entry.getKey(), entry.getValue().shape(), types);
      }
    }

    long[] shape(String name) {
      var entry = stored.get(name);
      if (entry == null) {
        throw new DataException(
            file + " has no tensor '" + name + "': it belongs to another network");
      }
      return entry.shape();
    }

    /** In the order of the file, which is then read from its beginning to its end. */
    void fill(Map<String, Tensor> tensors) throws IOException {
      var inOrder = new ArrayList<>(tensors.keySet());
      inOrder.sort(Comparator.comparingLong(name -> stored.get(name).from()));
      for (var name : inOrder) {
        fill(name, tensors.get(name));
      }
    }

    /** The CRC-32C of the file, all tensors of which have been read. */
    long checksum() {
      return checksum.getValue();
    }

    private void check(String name, long[] expected, Set<String> types) {
      var shape = shape(name);
      var type = stored.get(name).type();
      if (!types.contains(type) || !Arrays.equals(shape, expected)) {
        throw new DataException(
            "%s: tensor '%s' is %s %s, but the network has %s %s: it belongs to another network"
                .formatted(
                    file,
                    name,
                    type,
                    Arrays.toString(shape),
                    types.contains(type) ? type : "F32",
                    Arrays.toString(expected)));
      }
    }

    private void fill(String name, Tensor target) throws IOException {
      var entry = stored.get(name);
      try (var scope = new PointerScope();
          var noGrad = new NoGradGuard()) {
        var type = TYPES.get(entry.type());
        var values = torch.empty(target.shape(), new TensorOptions(type), null);
        var bytes = new BytePointer(values.data_ptr());
        var count = values.nbytes();
        channel.position(begin + entry.from());
        for (var done = 0L; done < count; done += PIECE) {
          var piece = Math.min(PIECE, count - done);
          readFully(bytes.position(done).limit(done + piece).asByteBuffer());
        }
        if (!Tensors.areWeights(values)) {
          throw new DataException(
              "%s: tensor '%s' holds a value that is no finite number, or far too large for a weight; take an earlier file"
                  .formatted(file, name));
        }
        target.copy_(values);
      }
    }

    private void readFully(ByteBuffer buffer) throws IOException {
      var read = buffer.duplicate();
      while (buffer.hasRemaining()) {
        if (channel.read(buffer) < 0) {
          throw new DataException(file + " is damaged: it ends too early");
        }
      }
      checksum.update(read);
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  private static Tensor onCpu(Tensor tensor) {
    return tensor
        .detach()
        .to(new org.bytedeco.pytorch.Device(torch.DeviceType.CPU), torch.ScalarType.Float)
        .contiguous();
  }

  private static void writeFully(WritableByteChannel channel, ByteBuffer buffer)
      throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }
}
