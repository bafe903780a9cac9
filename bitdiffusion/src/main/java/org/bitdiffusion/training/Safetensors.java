package org.bitdiffusion.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import org.bitdiffusion.DataException;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Reads and writes float32 tensors in the safetensors format, which Python tools open: eight bytes
 * of header length (little endian), a JSON header of names, types, shapes and offsets, then the
 * values.
 */
public final class Safetensors {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int PIECE = 1 << 26; // bytes copied at a time
  private static final long LONGEST_HEADER = 100_000_000; // the format's own limit

  private Safetensors() {}

  /**
   * Writes tensors under their names, in the map's order.
   *
   * @throws IOException if the file cannot be written, such as on a full disk
   */
  public static void write(Path file, Map<String, Tensor> tensors) throws IOException {
    var header = JSON.createObjectNode();
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
    try (var channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
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
      channel.force(true);
    }
  }

  /**
   * Fills tensors with the values stored under their names. Nothing is written to any of them
   * unless the whole file fits: the same names, types and shapes.
   *
   * @throws DataException if the file is missing, damaged, or holds other tensors
   */
  public static void read(Path file, Map<String, Tensor> tensors) {
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      var length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      readFully(channel, length, file);
      var headerLength = length.flip().getLong();
      if (headerLength < 2 || headerLength > Math.min(LONGEST_HEADER, channel.size() - 8)) {
        throw new DataException(file + " is damaged or no safetensors file: its header is cut off");
      }
      var header = ByteBuffer.allocate((int) headerLength);
      readFully(channel, header, file);
      var begin = 8 + headerLength;
      var entries = parse(file, header.array());
      check(file, entries, tensors, channel.size() - begin);
      for (var entry : tensors.entrySet()) {
        var at = begin + entries.get(entry.getKey()).get("data_offsets").get(0).asLong();
        fill(file, channel, at, entry.getValue());
      }
    } catch (NoSuchFileException e) {
      throw new DataException(file + " does not exist", e);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  private static void fill(Path file, FileChannel channel, long at, Tensor target)
      throws IOException {
    try (var scope = new PointerScope();
        var noGrad = new NoGradGuard()) {
      var values = torch.empty(target.shape());
      var bytes = new BytePointer(values.data_ptr());
      var count = values.nbytes();
      channel.position(at);
      for (var done = 0L; done < count; done += PIECE) {
        var piece = Math.min(PIECE, count - done);
        readFully(channel, bytes.position(done).limit(done + piece).asByteBuffer(), file);
      }
      target.copy_(values);
    }
  }

  private static JsonNode parse(Path file, byte[] header) {
    try {
      return JSON.readTree(header);
    } catch (JsonProcessingException e) {
      throw new DataException(
          file + " is damaged or no safetensors file: its header is no JSON", e);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  private static void check(
      Path file, JsonNode entries, Map<String, Tensor> tensors, long available) {
    for (var entry : tensors.entrySet()) {
      var name = entry.getKey();
      var node = entries.get(name);
      if (node == null) {
        throw new DataException(
            file + " has no tensor '" + name + "': it belongs to another network");
      }
      var shape = node.path("shape");
      var expected = entry.getValue().shape();
      var stored = new long[shape.size()];
      for (var i = 0; i < stored.length; i++) {
        stored[i] = shape.get(i).asLong();
      }
      if (!node.path("dtype").asText().equals("F32") || !Arrays.equals(stored, expected)) {
        throw new DataException(
            "%s: tensor '%s' is %s %s, but the network has F32 %s: it belongs to another network"
                .formatted(
                    file,
                    name,
                    node.path("dtype").asText("?"),
                    Arrays.toString(stored),
                    Arrays.toString(expected)));
      }
      var from = node.path("data_offsets").path(0).asLong(-1);
      var to = node.path("data_offsets").path(1).asLong(-1);
      if (from < 0 || to - from != entry.getValue().numel() * Float.BYTES || to > available) {
        throw new DataException(file + " is damaged: the values of '" + name + "' are cut off");
      }
    }
    for (var names = entries.fieldNames(); names.hasNext(); ) {
      var name = names.next();
      if (!name.equals("__metadata__") && !tensors.containsKey(name)) {
        throw new DataException(
            file + " has a tensor '" + name + "' too many: it belongs to another network");
      }
    }
  }

  private static Tensor onCpu(Tensor tensor) {
    return tensor
        .detach()
        .to(new org.bytedeco.pytorch.Device(torch.DeviceType.CPU), torch.ScalarType.Float)
        .contiguous();
  }

  private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  private static void readFully(FileChannel channel, ByteBuffer buffer, Path file)
      throws IOException {
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new DataException(file + " is damaged: it ends too early");
      }
    }
  }
}
