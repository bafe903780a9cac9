package org.bitdiffusion.modality.image;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.Npy;
import org.bitdiffusion.io.Npz;
import org.bitdiffusion.io.RegularFile;
import org.bitdiffusion.io.WholeFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The public files of ImageNet at 64x64: npz archives with {@code data} [N, 12288] uint8,
 * channel-first, and {@code labels} [N] from 1 to 1000. Of a folder of them, those whose names
 * begin with {@code val} are the split {@code val}, all others {@code train}.
 *
 * <p>Images are read from the files one by one; only the labels are held in memory. That needs
 * {@code data} uncompressed, as {@code numpy.savez} writes it. Of a compressed archive it is
 * unpacked once, to {@code NAME.npz.data-CRC.npy} beside it (1.3 GB for 100,000 images), where CRC
 * is the checksum that the archive has of it. Both are compared with that checksum when they are
 * opened, which reads them once.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record ImageNet64(String name, List<Part> parts, int[] labels) implements ImageSource {
  private static final Logger LOGGER = LoggerFactory.getLogger(ImageNet64.class);
  private static final List<String> CLASSES =
      IntStream.rangeClosed(1, 1000).mapToObj(Integer::toString).toList();
  private static final ImageFormat FORMAT = new ImageFormat(3, 64, 64, 256, List.of());
  private static final int LOCAL_HEADER = 0x04034b50; // starts an entry of a zip file

  /**
   * One archive, or what was unpacked of it: images lie one after the other from {@code start}. Not
   * a channel, which the interruption of a reading thread would close for all others.
   */
  record Part(Path path, RandomAccessFile file, long start, int first, int count) {
    void read(int index, byte[] image) {
      try {
        synchronized (file) {
          file.seek(start + (long) (index - first) * image.length);
          file.readFully(image);
        }
      } catch (IOException e) {
        throw DataException.cannotRead(path, e);
      }
    }
  }

  static ImageNet64 open(Path folder, String split) {
    var parts = new ArrayList<Part>();
    var labels = new ArrayList<int[]>();
    var count = 0;
    try {
      for (var archive : archives(folder, split)) {
        try (var zip = new ZipFile(RegularFile.require(archive).toFile())) {
          var part = images(archive, zip, count);
          parts.add(part);
          labels.add(labels(archive, zip, part.count()));
          count += part.count();
        } catch (ZipException e) {
          throw new DataException(archive + " is no npz archive, or damaged: " + e.getMessage(), e);
        } catch (IOException e) {
          throw DataException.cannotRead(archive, e);
        }
      }
    } catch (RuntimeException e) {
      close(parts);
      throw e;
    }
    if (count == 0) {
      throw new DataException(folder + " holds npz files without images");
    }
    return new ImageNet64(
        "imagenet64 %s in %s".formatted(split, folder),
        parts,
        labels.stream().flatMapToInt(Arrays::stream).toArray());
  }

  private static List<Path> archives(Path folder, String split) {
    try (var list = Files.list(folder)) {
      var files =
          list.filter(file -> file.toString().endsWith(".npz"))
              .filter(
                  file -> file.getFileName().toString().startsWith("val") == split.equals("val"))
              .sorted()
              .toList();
      if (files.isEmpty()) {
        throw new DataException(
            "%s holds no npz files of ImageNet 64x64 for the split %s".formatted(folder, split));
      }
      return files;
    } catch (IOException e) {
      throw DataException.cannotRead(folder, e);
    } catch (UncheckedIOException e) {
      throw DataException.cannotRead(folder, e.getCause());
    }
  }

  /** How an array of an archive is read. */
  @FunctionalInterface
  private interface Reading<T> {
    T from(String name, InputStream in) throws IOException;
  }

  /** Reads from an array's beginning; what is damaged in it is said with its name. */
  private static <T> T read(Path archive, ZipFile zip, String array, Reading<T> reading)
      throws IOException {
    var name = archive + ": " + array;
    try (var in = Npz.open(zip, entry(archive, zip, array))) {
      return reading.from(name, in);
    } catch (ZipException | EOFException e) {
      throw damaged(name, e);
    }
  }

  private static DataException damaged(String name, IOException e) {
    return new DataException(
        "%s cannot be unpacked, as the archive is damaged: %s"
            .formatted(name, e instanceof EOFException ? "it ends too early" : e.getMessage()),
        e);
  }

  private static Part images(Path archive, ZipFile zip, int first) throws IOException {
    var entry = entry(archive, zip, "data");
    var header = read(archive, zip, "data", Npy::header);
    var shape = header.shape();
    if (!header.type().equals("|u1") || shape.length != 2 || shape[1] != FORMAT.symbols()) {
      throw new DataException(
          "%s: data is %s of shape %s; it must be |u1 of shape [N, %d]"
              .formatted(archive, header.type(), Arrays.toString(shape), FORMAT.symbols()));
    }
    if (header.columnMajor()) {
      throw new DataException(
          archive
              + ": data lies column by column, of which no image can be read alone; save it again,"
              + " of numpy.ascontiguousarray(data)");
    }
    var size = header.bytes() + header.count();
    if (entry.getSize() != size) {
      throw new DataException(
          "%s is damaged: data has %,d bytes instead of %,d"
              .formatted(archive, entry.getSize(), size));
    }
    var stored = entry.getMethod() == ZipEntry.STORED;
    var path = stored ? archive : unpacked(archive, entry);
    if (!stored && !(Files.exists(path) && isWhole(path, entry))) {
      unpack(archive, zip, entry, path);
    }
    var file = new RandomAccessFile(path.toFile(), "r");
    try {
      var start = stored ? offset(archive, file, zip, entry) : 0;
      if (start + size > file.length()) {
        throw new DataException(archive + " is cut off: data ends too early");
      }
      if (stored && checksum(file, start, size) != entry.getCrc()) {
        throw new DataException(
            archive + ": data is damaged: its checksum is not what the archive has of it");
      }
      return new Part(path, file, start + header.bytes(), first, shape[0]);
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** Where the images of an archive are unpacked to: other images go to another file. */
  private static Path unpacked(Path archive, ZipEntry entry) {
    return archive.resolveSibling(
        String.format(Locale.ROOT, "%s.data-%08x.npy", archive.getFileName(), entry.getCrc()));
  }

  private static boolean isWhole(Path unpacked, ZipEntry entry) throws IOException {
    try (var file = new RandomAccessFile(RegularFile.require(unpacked).toFile(), "r")) {
      return file.length() == entry.getSize()
          && checksum(file, 0, entry.getSize()) == entry.getCrc();
    }
  }

  /** The CRC-32 of bytes of a file. */
  private static long checksum(RandomAccessFile file, long start, long count) throws IOException {
    var checksum = new CRC32();
    var piece = new byte[1 << 20];
    file.seek(start);
    for (var left = count; left > 0; ) {
      var length = (int) Math.min(left, piece.length);
      file.readFully(piece, 0, length);
      checksum.update(piece, 0, length);
      left -= length;
    }
    return checksum.getValue();
  }

  private static void unpack(Path archive, ZipFile zip, ZipEntry entry, Path file)
      throws IOException {
    LOGGER.info("unpacking {} to {}", archive, file);
    try (var in = Npz.open(zip, entry)) {
      WholeFile.write(file, in::transferTo);
    } catch (DataException e) {
      if (e.getCause() instanceof ZipException || e.getCause() instanceof EOFException) {
        throw damaged(archive + ": data", (IOException) e.getCause());
      }
      throw new DataException(
          "%s; it is to hold the images of %s, which is compressed: make room for them"
              .formatted(e.getMessage(), archive.getFileName()),
          e);
    }
    removeOthers(archive, file);
  }

  /** Removes what was unpacked of the archive when it had other images. */
  private static void removeOthers(Path archive, Path file) {
    var name =
        Pattern.compile(Pattern.quote(archive.getFileName() + ".data") + "(-[0-9a-f]{8})?.npy");
    try (var files = Files.newDirectoryStream(file.getParent())) {
      for (var other : files) {
        if (!other.equals(file) && name.matcher(other.getFileName().toString()).matches()) {
          Files.delete(other);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOGGER.warn("{} has older images of {}: {}", file.getParent(), archive, e.getMessage());
    }
  }

  /** Labels in 0 .. 999. */
  private static int[] labels(Path archive, ZipFile zip, int count) throws IOException {
    var labels =
        read(
            archive,
            zip,
            "labels",
            (name, in) -> {
              var header = Npy.header(name, in);
              if (header.shape().length != 1) {
                throw new DataException(
                    "%s has the shape %s; it must be [N]"
                        .formatted(name, Arrays.toString(header.shape())));
              }
              if (header.count() != count) { // before they are unpacked
                throw new DataException(
                    "%s has %,d labels for %,d images".formatted(archive, header.count(), count));
              }
              var values = Npy.integers(name, header, in);
              in.transferTo(OutputStream.nullOutputStream()); // its end is where it is checked
              return values;
            });
    for (var i = 0; i < count; i++) {
      if (labels[i] < 1 || labels[i] > CLASSES.size()) {
        throw new DataException(
            "%s: labels is damaged: image %d has the label %d, but labels are 1 to %d"
                .formatted(archive, i + 1, labels[i], CLASSES.size()));
      }
      labels[i]--;
    }
    return labels;
  }

  private static ZipEntry entry(Path archive, ZipFile zip, String array) {
    var entry = zip.getEntry(array + ".npy");
    if (entry == null) {
      throw new DataException(
          "%s has no array '%s'; it is no file of ImageNet 64x64".formatted(archive, array));
    }
    return entry;
  }

  /**
   * Where the bytes of a stored entry begin. The JDK does not tell, so this walks the local
   * headers, each of which is followed by its entry's bytes.
   */
  private static long offset(Path archive, RandomAccessFile file, ZipFile zip, ZipEntry wanted)
      throws IOException {
    var at = 0L;
    while (true) {
      var header = bytes(file, at, 30);
      if (header.getInt(0) != LOCAL_HEADER) {
        throw new DataException(archive + " is damaged: no array where one should begin");
      }
      var name = new String(bytes(file, at + 30, header.getShort(26) & 0xffff).array(), UTF_8);
      at += 30 + (header.getShort(26) & 0xffff) + (header.getShort(28) & 0xffff);
      if (name.equals(wanted.getName())) {
        return at;
      }
      var entry = zip.getEntry(name);
      if (entry == null) {
        throw new DataException(archive + " is damaged: it does not list its array " + name);
      }
      at += entry.getCompressedSize();
      if ((header.getShort(6) & 8) != 0) {
        at += descriptor(file, at);
      }
    }
  }

  /** The length of the sizes that follow an entry if they were not known before it. */
  private static int descriptor(RandomAccessFile file, long at) throws IOException {
    for (var length : new int[] {12, 16, 20, 24}) {
      if (bytes(file, at + length, 4).getInt(0) == LOCAL_HEADER) {
        return length;
      }
    }
    throw new IOException("an array of unknown length");
  }

  private static ByteBuffer bytes(RandomAccessFile file, long at, int count) throws IOException {
    var bytes = new byte[count];
    file.seek(at);
    file.readFully(bytes);
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
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
    return CLASSES;
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
    var image = new byte[FORMAT.symbols()];
    parts.get(at).read(index, image);
    for (var symbol : image) {
      target[offset++] = symbol & 255;
    }
  }

  @Override
  public void close() {
    close(parts);
  }

  private static void close(List<Part> parts) {
    try {
      for (var part : parts) {
        part.file().close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
