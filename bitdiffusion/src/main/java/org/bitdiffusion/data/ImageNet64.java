package org.bitdiffusion.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.bitdiffusion.DataException;

/**
 * The public files of ImageNet at 64x64: npz archives with {@code data} [N, 12288] uint8,
 * channel-first, and {@code labels} [N] from 1 to 1000. A folder of them is read image by image;
 * only the labels are held in memory. Archives that are compressed are unpacked once, to a
 * temporary file that is deleted on exit.
 */
final class ImageNet64 implements ImageSource {
  private static final int CLASSES = 1000;
  private static final ImageFormat FORMAT = new ImageFormat(3, 64, 64, 256, List.of());

  /** One archive: images lie one after the other from {@code start}. */
  private record Part(FileChannel channel, long start, int first, int count) {}

  private final Path folder;
  private final List<Part> parts;
  private final int[] labels;

  private ImageNet64(Path folder, List<Part> parts, int[] labels) {
    this.folder = folder;
    this.parts = parts;
    this.labels = labels;
  }

  static ImageNet64 open(Path folder) {
    var parts = new ArrayList<Part>();
    var labels = new ArrayList<int[]>();
    var count = 0;
    try {
      for (var file : archives(folder)) {
        var part = open(file, count);
        parts.add(part);
        labels.add(labels(file, part.count()));
        count += part.count();
      }
    } catch (RuntimeException e) {
      parts.forEach(ImageNet64::close);
      throw e;
    }
    var all = labels.stream().flatMapToInt(Arrays::stream).toArray();
    return new ImageNet64(folder, parts, all);
  }

  private static List<Path> archives(Path folder) {
    try (var list = Files.list(folder)) {
      var files = list.filter(file -> file.toString().endsWith(".npz")).sorted().toList();
      if (files.isEmpty()) {
        throw new DataException(folder + " holds no .npz files of downsampled ImageNet");
      }
      return files;
    } catch (IOException e) {
      throw new DataException(folder + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static Part open(Path file, int first) {
    FileChannel channel = null;
    try (var zip = new ZipFile(file.toFile())) {
      var entry = entry(file, zip, "data.npy");
      var stored = entry.getMethod() == ZipEntry.STORED;
      long start = 0;
      if (stored) {
        channel = FileChannel.open(file, StandardOpenOption.READ);
        start = offset(file, channel, zip, entry);
      } else {
        var unpacked = Files.createTempFile("imagenet64-", ".npy");
        unpacked.toFile().deleteOnExit();
        try (var in = zip.getInputStream(entry)) {
          Files.copy(in, unpacked, StandardCopyOption.REPLACE_EXISTING);
        }
        channel = FileChannel.open(unpacked, StandardOpenOption.READ);
      }
      Npy.Header header;
      try (var in = zip.getInputStream(entry)) {
        header = Npy.header(file + ": data", in);
      }
      var shape = header.shape();
      if (!header.type().equals("|u1") || shape.length != 2 || shape[1] != FORMAT.symbols()) {
        throw new DataException(
            "%s: data is %s %s, not |u1 [N, %d]"
                .formatted(file, header.type(), Arrays.toString(shape), FORMAT.symbols()));
      }
      var end = start + header.bytes() + (long) shape[0] * shape[1];
      if (end > channel.size()) {
        throw new DataException(file + " is cut off: data ends too early");
      }
      return new Part(channel, start + header.bytes(), first, shape[0]);
    } catch (IOException | RuntimeException e) {
      if (channel != null) {
        close(channel);
      }
      if (e instanceof DataException known) {
        throw known;
      }
      throw new DataException(file + " is no npz archive or damaged: " + e.getMessage(), e);
    }
  }

  private static int[] labels(Path file, int count) {
    try (var zip = new ZipFile(file.toFile());
        var in = zip.getInputStream(entry(file, zip, "labels.npy"))) {
      var header = Npy.header(file + ": labels", in);
      var labels = Npy.integers(file + ": labels", header, in);
      if (labels.length != count) {
        throw new DataException(
            "%s has %d labels for %d images".formatted(file, labels.length, count));
      }
      for (var i = 0; i < count; i++) {
        if (labels[i] < 1 || labels[i] > CLASSES) {
          throw new DataException(
              "%s: label %d is %d, not in 1 to %d".formatted(file, i + 1, labels[i], CLASSES));
        }
        labels[i]--;
      }
      return labels;
    } catch (IOException e) {
      throw new DataException(file + " is damaged: " + e.getMessage(), e);
    }
  }

  private static ZipEntry entry(Path file, ZipFile zip, String name) {
    var entry = zip.getEntry(name);
    if (entry == null) {
      throw new DataException(
          file + " has no array '" + name.replace(".npy", "") + "'; it is no file of ImageNet64");
    }
    return entry;
  }

  /**
   * Where the bytes of a stored entry begin. The JDK does not tell, so this walks the local
   * headers, each of which is followed by its entry's bytes.
   */
  private static long offset(Path file, FileChannel channel, ZipFile zip, ZipEntry wanted)
      throws IOException {
    var at = 0L;
    while (true) {
      var header = bytes(channel, at, 30);
      if (header.getInt(0) != 0x04034b50) {
        throw new DataException(file + " is damaged: no entry where one should begin");
      }
      var nameLength = header.getShort(26) & 0xffff;
      var name = new byte[nameLength];
      bytes(channel, at + 30, nameLength).get(name);
      var data = at + 30 + nameLength + (header.getShort(28) & 0xffff);
      var text = new String(name, UTF_8);
      if (text.equals(wanted.getName())) {
        return data;
      }
      at = data + zip.getEntry(text).getCompressedSize();
      if ((header.getShort(6) & 8) != 0) {
        at = nextHeader(channel, at); // a descriptor of 12 to 24 bytes follows
      }
    }
  }

  private static long nextHeader(FileChannel channel, long at) throws IOException {
    for (var length : new int[] {12, 16, 20, 24}) {
      var signature = bytes(channel, at + length, 4).getInt(0);
      if (signature == 0x04034b50) {
        return at + length;
      }
    }
    throw new IOException("an entry of unknown length");
  }

  private static ByteBuffer bytes(FileChannel channel, long at, int count) throws IOException {
    var buffer = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, at + buffer.position()) < 0) {
        throw new IOException("it ends too early");
      }
    }
    return buffer.flip();
  }

  @Override
  public String name() {
    return "imagenet64 in " + folder;
  }

  @Override
  public ImageFormat format() {
    return FORMAT;
  }

  @Override
  public int size() {
    return labels.length;
  }

  @Override
  public List<String> classes() {
    return IntStream.rangeClosed(1, CLASSES).mapToObj(Integer::toString).toList();
  }

  @Override
  public int label(int index) {
    return labels[index];
  }

  @Override
  public void read(int index, int[] target, int offset) {
    var at = parts.size() - 1;
    while (parts.get(at).first() > index) {
      at--;
    }
    var part = parts.get(at);
    try {
      var image =
          bytes(
              part.channel(),
              part.start() + (long) (index - part.first()) * FORMAT.symbols(),
              FORMAT.symbols());
      while (image.hasRemaining()) {
        target[offset++] = image.get() & 255;
      }
    } catch (IOException e) {
      throw new DataException(folder + " cannot be read: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    parts.forEach(ImageNet64::close);
  }

  private static void close(Part part) {
    close(part.channel());
  }

  private static void close(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
